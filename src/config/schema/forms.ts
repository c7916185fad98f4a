import { z } from 'zod';
import { textOf, Variable } from '../read/variable.ts';
import { kinds } from './leaf.ts';

/** A mapping with exactly these keys, as a member of a union. */
export const member = z.strictObject;

/** A mapping with exactly these keys. A variable is text here, though in memory it is an object. */
export const block = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.preprocess((raw) => (raw instanceof Variable ? raw.text : raw), z.strictObject(shape));

const isScalar = (raw: unknown): boolean =>
  raw instanceof Variable || (raw !== null && raw !== undefined && typeof raw !== 'object');

export const isMapping = (raw: unknown): raw is Readonly<Record<string, unknown>> =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw) && !(raw instanceof Variable);

type Short = Readonly<{
  label: string;
  /** Left out where the short form of a list is its only entry. */
  json?: Readonly<Record<string, unknown>>;
  /** Whether the value is written in the short form; every scalar by default. */
  is?: (raw: unknown) => boolean;
  expand: (raw: unknown) => unknown;
}>;

/** A schema that may also be written shorter. Expanding comes first, so that everything later sees the long form alone. */
export const withShort = <Schema extends z.ZodType>({ label, json, is = isScalar, expand }: Short, long: Schema) => {
  const schema = z.preprocess((raw) => (is(raw) ? expand(raw) : raw), long);
  kinds.add(schema, { label, short: { label, ...(json && { json }) } });
  return schema;
};

/** A list of values, which may be written as its only value. */
export const listOf = <Schema extends z.ZodType>(element: Schema, { least = 0 } = {}) => {
  const label = kinds.get(element)?.label ?? 'text';
  const json = { ...z.globalRegistry.get(element) };
  return withShort({ label, json, expand: (raw) => [raw] }, z.array(element).min(least));
};

type Tagged = z.core.$ZodTypeDiscriminable;

/** A mapping of one of several kinds, told apart by the key `tag`, which may itself be a variable. */
export const oneOf = <const Options extends readonly [Tagged, ...Tagged[]]>(
  tag: string,
  first: string,
  options: Options,
) => z.preprocess((raw) => withPlainTag(raw, tag, first), z.discriminatedUnion(tag, options));

const withPlainTag = (raw: unknown, tag: string, first: string): unknown => {
  if (!isMapping(raw)) return textOf(raw) ?? raw;
  const written = raw[tag];
  if (!(written instanceof Variable)) return raw;
  return { ...raw, [tag]: written.missing ? first : written.text };
};
