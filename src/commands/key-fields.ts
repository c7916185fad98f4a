/** The fields of a key as options of the command line; read into the bodies that the admin API takes, and checked like these. */
import type { z } from 'zod';
import { fail } from './load.ts';

export type FieldOptions = Readonly<{
  user?: string;
  name?: string;
  perMinute?: string;
  perDay?: string;
  scope?: readonly string[];
  metadata?: string;
  allowIp?: readonly string[];
  customer?: string;
  credits?: string;
  refill?: string;
  refillEvery?: string;
  expires?: string;
}>;

const units = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** `90s`, `10m`, `12h`, `30d` → seconds; undefined for anything else. */
export const readSeconds = (text: string): number | undefined => {
  const [, count, unit = 's'] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (units[unit as keyof typeof units] ?? 1);
};

/** What is no number stays text, for the shape to refuse. */
const number = (text: string): unknown => (/^\d{1,15}$/.test(text) ? Number(text) : text);

const orNull = (text: string, read: (text: string) => unknown): unknown => (text === 'none' ? null : read(text));

const same = (text: string): string => text;

const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const readCredits = ({ credits, refill, refillEvery }: FieldOptions): unknown => {
  if (credits === undefined) return refill === undefined && refillEvery === undefined ? undefined : 'nothing';
  if (credits === 'none') return null;
  const interval = refillEvery === undefined ? undefined : (readSeconds(refillEvery) ?? refillEvery);
  const isRefilled = refill !== undefined || refillEvery !== undefined;
  return {
    remaining: number(credits),
    ...(isRefilled && {
      refill: { amount: refill === undefined ? undefined : number(refill), interval_seconds: interval },
    }),
  };
};

/** A body with what was given and nothing else. */
export const toBody = (options: FieldOptions): Record<string, unknown> => {
  const given = <T>(value: T | undefined, read: (value: T) => unknown): unknown =>
    value === undefined ? undefined : read(value);
  const fields = {
    user_id: options.user,
    name: options.name,
    rate_limit_per_minute: given(options.perMinute, (text) => orNull(text, number)),
    rate_limit_per_day: given(options.perDay, (text) => orNull(text, number)),
    scopes: given(options.scope, (scopes) => (scopes.join() === 'none' ? [] : scopes)),
    metadata: given(options.metadata, readJson),
    allowed_ips: given(options.allowIp, (ranges) => (ranges.join() === 'none' ? [] : ranges)),
    customer_id: given(options.customer, (text) => orNull(text, same)),
    credits: readCredits(options),
    expires_at: given(options.expires, (text) => orNull(text, same)),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
};

/** Says what is wrong, by the names of the API, and gives undefined. */
export const readShape = <T>(shape: z.ZodType<T>, value: unknown): T | undefined => {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues.slice(0, 10)) fail(`${path.join('.') || 'keys'}: ${message}`);
  return undefined;
};
