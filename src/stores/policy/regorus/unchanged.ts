/** For how long what a policy answers can be nothing else, where it compares the clock with certain moments and does no more. */
import type { InputPart, InputParts } from '../../../checks/policy-engine.ts';
import { perObject } from '../../../core/per-object.ts';
import type { Moment } from './clock-reads.ts';

/** From the one, and until before the other. */
export type Span = Readonly<{ fromMs: number; untilMs: number }>;

const always: Span = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

/** Around a moment nothing is remembered: the interpreter reckons in nanoseconds, and with other roundings. */
const MARGIN_MS = 1_000;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const within = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, step) => (isRecord(inner) && Object.hasOwn(inner, step) ? inner[step] : undefined),
    value,
  );

/** Undefined where the moment can be in neither of the parts: it is of the request alone. */
const momentMs = ({ at, toMs }: Moment, parts: readonly unknown[]): readonly number[] | undefined => {
  if (typeof at === 'number') return [at * toMs];
  const [group = ''] = at;
  const holding = parts.filter((part) => isRecord(part) && Object.hasOwn(part, group));
  if (holding.length === 0) return undefined;
  // Anything else than a number is before all moments or after all of them, as Rego orders its types.
  return holding.map((part) => within(part, at)).flatMap((value) => (typeof value === 'number' ? [value * toMs] : []));
};

export type UnchangedAt = (parts: InputParts, nowMs: number) => Span | undefined;

/** Undefined where the answer is true for that moment alone. */
export const createUnchanged = (moments: readonly Moment[]): UnchangedAt => {
  if (moments.length === 0) return () => always;
  const read = perObject((part: InputPart): object => JSON.parse(`{${part.members}}`));
  return (parts, nowMs) => {
    let { fromMs, untilMs } = always;
    for (const moment of moments) {
      const found = momentMs(moment, parts.map(read));
      if (!found) return undefined;
      for (const atMs of found) {
        if (atMs > nowMs) untilMs = Math.min(untilMs, atMs - MARGIN_MS);
        else fromMs = Math.max(fromMs, atMs + MARGIN_MS);
      }
    }
    return fromMs <= nowMs && nowMs < untilMs ? { fromMs, untilMs } : undefined;
  };
};
