import { z } from 'zod';
import { Variable } from '../read/variable.ts';

type Json = Readonly<Record<string, unknown>>;

/** What the documents and the messages need to know of a key, besides its description. Labels are plain text. */
export type KindOfKey = Readonly<{ label: string; secret?: boolean; short?: Readonly<{ label: string; json?: Json }> }>;

export const kinds = z.registry<KindOfKey>();

/** Why a value is refused, for the person who wrote it; never quotes the value. */
export class Wrong {
  readonly message: string;
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    this.message = message;
    this.hint = hint;
  }
}

export type Kind<T> = KindOfKey &
  Readonly<{
    /** Completes "expected …". */
    expected: string;
    json: Json;
    /** Stands in for a variable that may be missing, where the variable's own stand-in text would be refused. */
    placeholder: T;
    /** Reads the text of an unquoted `${VAR}` for keys that are not text. */
    fromText?: (text: string) => unknown;
    /** The parsed value; undefined when it is no value of this kind at all. */
    read: (raw: unknown) => T | Wrong | undefined;
  }>;

/** What the issue of a refused leaf carries, beside its path. */
export type LeafIssue = Readonly<{ expected: string; secret: boolean; hint?: string }>;

const anything = z.unknown();

const missingVariable = <T>(kind: Kind<T>, { name }: Variable): T => {
  if (kind.secret) return kind.placeholder;
  const read = kind.read(`placeholder-${name.toLowerCase().replaceAll('_', '-')}`);
  return read === undefined || read instanceof Wrong ? kind.placeholder : read;
};

const readVariable = <T>(kind: Kind<T>, variable: Variable): T | Wrong | undefined => {
  if (variable.missing) return missingVariable(kind, variable);
  if (!kind.fromText) return kind.read(variable.text);
  const read = kind.read(variable.plain ? kind.fromText(variable.text) : variable.text);
  if (variable.plain || !(read instanceof Wrong)) return read;
  return new Wrong(read.message, `write \${${variable.name}} without quotes`);
};

/** A key that holds one value. Every check of a value is here, so that every message has the same form. */
export const leaf = <T>(kind: Kind<T>) => {
  const schema = z.pipe(
    anything,
    z.transform((raw: unknown, context): T => {
      const read = raw instanceof Variable ? readVariable(kind, raw) : kind.read(raw);
      if (read !== undefined && !(read instanceof Wrong)) return read;
      const { message, hint } =
        read instanceof Wrong ? read : new Wrong(raw === undefined ? 'missing' : 'not the right kind of value');
      const params: LeafIssue = { expected: kind.expected, secret: kind.secret === true, ...(hint && { hint }) };
      context.issues.push({ code: 'custom', input: undefined, message, params });
      return z.NEVER;
    }),
  );
  kinds.add(schema, { label: kind.label, ...(kind.secret && { secret: true }) });
  z.globalRegistry.add(schema, kind.json);
  return schema;
};

/** In a document that editors check, any value may also be written as a variable. */
export const orVariable = (json: Json): Json => ({ anyOf: [json, { type: 'string', pattern: '\\$\\{' }] });
