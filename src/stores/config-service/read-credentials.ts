/** The answer of a config service: `{"credentials": {"anthropic": {"api_key": "…"}}}`. */
import { Secret } from '../../core/secret.ts';
import type { Credentials } from '../../egress/resolver/credential-source.ts';

const MOST_INTEGRATIONS = 1_000;
const MOST_VALUES = 100;
const LONGEST_VALUE = 16_384;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readValues = (raw: unknown): ReadonlyMap<string, Secret> => {
  if (!isObject(raw)) throw new Error('a credential is no object');
  const entries = Object.entries(raw);
  if (entries.length > MOST_VALUES) throw new Error(`a credential has more than ${MOST_VALUES} values`);
  return new Map(
    entries.flatMap(([key, value]): [string, Secret][] => {
      // Left empty by whoever filled in a form.
      if (value === null) return [];
      if (typeof value !== 'string' || value.length > LONGEST_VALUE)
        throw new Error('a value of a credential is no text');
      return [[key, new Secret(value)]];
    }),
  );
};

/** Throws where it is anything else; the message quotes nothing of it, for all of it may be secret. */
export const readCredentials = (body: string): Credentials => {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    throw new Error('the answer is no JSON');
  }
  const credentials = isObject(document) ? document['credentials'] : undefined;
  if (!isObject(credentials)) throw new Error('the answer has no credentials');
  const entries = Object.entries(credentials);
  if (entries.length > MOST_INTEGRATIONS) throw new Error(`the answer has more than ${MOST_INTEGRATIONS} credentials`);
  return new Map(entries.map(([name, values]) => [name, readValues(values)]));
};
