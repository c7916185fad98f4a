import { z } from 'zod';
import type { Path } from './path.ts';
import { type KindOfKey, kinds } from './schema/leaf.ts';

type Schema = z.core.$ZodType;

/** One wrapper less; undefined at a mapping, list, union or leaf. */
const unwrapOnce = (schema: Schema): Schema | undefined => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) return schema.def.innerType;
  if (!(schema instanceof z.ZodPipe)) return undefined;
  if (schema.def.in instanceof z.ZodTransform) return schema.def.out;
  return schema.def.in instanceof z.ZodUnknown ? undefined : schema.def.in;
};

/** The schema and all that it wraps, outermost first. */
export const layers = (schema: Schema): Schema[] => {
  const inner = unwrapOnce(schema);
  return inner ? [schema, ...layers(inner)] : [schema];
};

export const coreOf = (schema: Schema): Schema => layers(schema).at(-1) ?? schema;

/** The short form a key may be written in. */
export const shortOf = (schema: Schema): KindOfKey['short'] =>
  layers(schema)
    .map((layer) => kinds.get(layer)?.short)
    .find((short) => short !== undefined);

/** The mappings a schema may be: several for a union, none for a leaf. */
export const objectsOf = (schema: Schema): z.ZodObject[] => {
  const core = coreOf(schema);
  if (core instanceof z.ZodObject) return [core];
  return core instanceof z.ZodDiscriminatedUnion ? core.def.options.flatMap(objectsOf) : [];
};

const childrenOf = (schema: Schema, segment: string | number): Schema[] => {
  const core = coreOf(schema);
  if (core instanceof z.ZodArray) return [core.def.element];
  if (core instanceof z.ZodRecord) return [core.def.valueType];
  return objectsOf(core).flatMap(({ def }) => {
    const child = Object.hasOwn(def.shape, segment) ? def.shape[segment] : undefined;
    return child ? [child] : [];
  });
};

/** What may stand at a path: several where a union on the way leaves it open. */
export const schemasAt = (root: Schema, path: Path): Schema[] =>
  path.reduce<Schema[]>((schemas, segment) => schemas.flatMap((schema) => childrenOf(schema, segment)), [root]);

/** Whether a mapping may be this member of a union: every fixed word (`type: bearer`) agrees. */
export const fits = ({ def }: z.ZodObject, value: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(def.shape).every(
    ([key, child]) => !(child instanceof z.ZodLiteral) || child.def.values.some((word) => word === value[key]),
  );

export type Key = Readonly<{ block: string; name: string; schema: Schema }>;

const below = (schema: Schema, at: string): Key[] => {
  const core = coreOf(schema);
  if (core instanceof z.ZodArray) return below(core.def.element, `${at}[]`);
  if (core instanceof z.ZodRecord) return below(core.def.valueType, `${at}.NAME`);
  return objectsOf(core).flatMap((object) => {
    const keys = Object.entries(object.def.shape);
    const word = keys.map(([, child]) => child).find((child) => child instanceof z.ZodLiteral)?.def.values[0];
    const block = word === undefined ? at : `${at} (${word})`;
    return keys.flatMap(([name, child]) => [
      { block, name, schema: child },
      ...below(child, at === '' ? name : `${at}.${name}`),
    ]);
  });
};

/** Every key of a schema, block by block, in the order of the schema; list items as `[]`, chosen names as `NAME`. */
export const allKeys = (root: Schema): Key[] => below(root, '');
