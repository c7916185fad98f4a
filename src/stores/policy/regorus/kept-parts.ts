/**
 * What an instance has read once of callers and certificates that come again: claims are most of an input, and to read JSON takes as
 * long as many a policy.
 */
import type { InputPart, InputParts } from '../../../checks/policy-engine.ts';
import type { Instance, Outcome } from './instance.ts';

/** A part takes some ten times the length of its text in the instance: this many of this length are 10 MiB. */
const MOST_KEPT = 500;
const LONGEST_KEPT = 2_048;

export type KeptParts = Readonly<{
  instance: Instance;
  evaluate(query: number, own: string, parts: InputParts, wallClockMs: number, timeoutMs: number): Outcome;
}>;

export const createKeptParts = (instance: Instance): KeptParts => {
  const kept: (InputPart | undefined)[] = [];
  const places = new WeakMap<InputPart, number>();
  /** Whoever comes once takes no place. */
  const seen = new WeakSet<InputPart>();
  let next = 0;

  const keep = (part: InputPart): void => {
    // What was there is gone, whatever becomes of this one.
    kept[next] = undefined;
    if (instance.keep(next, `{${part.members}}`).outcome !== 'undefined') return;
    kept[next] = part;
    places.set(part, next);
    next = (next + 1) % MOST_KEPT;
  };

  /** Undefined where the part is to be told: it is not kept, or another has taken its place. */
  const placeOf = (part: InputPart): number | undefined => {
    const place = places.get(part);
    return place !== undefined && kept[place] === part ? place : undefined;
  };

  const meet = (part: InputPart): void => {
    if (placeOf(part) !== undefined || part.members.length > LONGEST_KEPT) return;
    if (seen.has(part)) keep(part);
    else seen.add(part);
  };

  return {
    instance,
    evaluate(query, own, [one, other], wallClockMs, timeoutMs) {
      meet(one);
      meet(other);
      // Only now: the place of the one may have been the next to be taken.
      const first = placeOf(one);
      const second = placeOf(other);
      if (first !== undefined && second !== undefined)
        return instance.evaluate(query, `{${own}}`, wallClockMs, timeoutMs, first, second);
      const told = [
        ...(own === '' ? [] : [own]),
        ...(first === undefined ? [one.members] : []),
        ...(second === undefined ? [other.members] : []),
      ];
      const places = [first, second].filter((place) => place !== undefined);
      return instance.evaluate(query, `{${told.join()}}`, wallClockMs, timeoutMs, ...places);
    },
  };
};
