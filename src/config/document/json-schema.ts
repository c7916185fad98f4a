import { z } from 'zod';
import { configSchema } from '../schema/config.ts';
import { kinds } from '../schema/leaf.ts';

type Json = z.core.JSONSchema.BaseSchema;

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

/** Adds the short form beside the long one; description and default stay with the key itself. */
const withShortForm = (json: Json, short: Readonly<Record<string, unknown>>): void => {
  if (json.anyOf?.some((form) => JSON.stringify(form) === JSON.stringify(short))) return;
  const { description, default: fallback, ...long } = json;
  for (const key of Object.keys(json)) delete json[key];
  Object.assign(json, description !== undefined && { description }, fallback !== undefined && { default: fallback }, {
    anyOf: [short, long],
  });
};

const onlyEntry = ({ items }: Json): Readonly<Record<string, unknown>> => {
  if (typeof items !== 'object' || Array.isArray(items)) throw new Error('the short form of a list is its only entry');
  return items;
};

/** The short form of `jwt` is one issuer with its keys directly there, and a name only if it wants one. */
const withSingleIssuer = (json: Json): void => {
  const [short, long] = json.properties?.['jwt'] instanceof Object ? (json.properties['jwt'].anyOf ?? []) : [];
  const issuers = typeof long === 'object' ? long.properties?.['issuers'] : undefined;
  const issuer =
    issuers instanceof Object && issuers.items instanceof Object && !Array.isArray(issuers.items)
      ? issuers.items
      : undefined;
  if (typeof short !== 'object' || !issuer) throw new Error('jwt no longer has the shape this file completes');
  Object.assign(short, issuer, { required: issuer.required?.filter((key) => key !== 'name') });
};

/** The JSON Schema (draft 2020-12) that editors check a file with. It is laxer than loading: cross-checks are not in it. */
export const jsonSchema = (): string => {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: json }) => {
      if (isEmptyObject(json.default)) delete json.default;
      const short = kinds.get(zodSchema)?.short;
      if (short) withShortForm(json, short.json ?? onlyEntry(json));
    },
  });
  withSingleIssuer(schema);
  const { $schema, ...rest } = schema;
  return `${JSON.stringify({ $schema, title: 'Sallyport configuration', ...rest }, null, 2)}\n`;
};
