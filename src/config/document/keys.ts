import { z } from 'zod';
import { kinds } from '../schema/leaf.ts';
import { coreOf, type Key, layers, shortOf } from '../schema-walk.ts';

type Schema = z.core.$ZodType;

/** What a key takes, in words: `duration`, `name (one or a list)`, `mapping`. */
export const typeOf = (schema: Schema): string => {
  const core = coreOf(schema);
  const short = shortOf(schema)?.label;
  if (short === undefined || short === 'list') return longTypeOf(core);
  return core instanceof z.ZodArray ? `${typeOf(core.def.element)} (one or a list)` : `${short} or ${longTypeOf(core)}`;
};

const longTypeOf = (core: Schema): string => {
  if (core instanceof z.ZodArray) return `list of ${typeOf(core.def.element)}`;
  if (core instanceof z.ZodRecord) return `mapping of ${typeOf(core.def.valueType)}`;
  if (core instanceof z.ZodLiteral) return core.def.values.join(' | ');
  return kinds.get(core)?.label ?? 'mapping';
};

/** The default as one would write it; undefined where there is none. */
export const defaultOf = (schema: Schema): string | undefined => {
  const layer = layers(schema).find((wrapper) => wrapper instanceof z.ZodPrefault);
  const value = layer?.def.defaultValue;
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
    return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

export const isRequired = (schema: Schema): boolean =>
  !layers(schema).some((layer) => layer instanceof z.ZodOptional || layer instanceof z.ZodPrefault);

export const descriptionOf = (schema: Schema): string =>
  layers(schema)
    .map((layer) => z.globalRegistry.get(layer)?.description)
    .find((description) => description !== undefined) ??
  (coreOf(schema) instanceof z.ZodLiteral ? 'Chooses this kind.' : '');

export type Block = Readonly<{ name: string; keys: readonly Key[]; sameAs?: string }>;

/** Keys gathered by the block they stand in; a block whose keys another block has already shown refers to it. */
export const blocksOf = (keys: readonly Key[]): Block[] => {
  const shown = new Map<Schema, string>();
  return [...Map.groupBy(keys, ({ block }) => block)].map(([name, members]): Block => {
    const sameAs = members.map(({ schema }) => shown.get(schema)).find((before) => before !== undefined);
    for (const { schema } of members) if (!shown.has(schema)) shown.set(schema, name);
    return sameAs !== undefined && members.every(({ schema }) => shown.get(schema) !== name)
      ? { name, keys: members, sameAs }
      : { name, keys: members };
  });
};
