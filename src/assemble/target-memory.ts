/** What a target keeps over reloads that leave its settings as they are: its connections, and what was learnt of it. */
import type { Breaker } from '../egress/attempts/breaker.ts';
import type { RetryBudget } from '../egress/attempts/budget.ts';
import type { Slots } from '../egress/attempts/slots.ts';
import type { Upstream } from '../egress/upstream.ts';

export type Held<T> = Readonly<{
  value: T;
  /** Called once by each holder; the last one ends it. */
  release(): Promise<void>;
}>;

export type Kept<T> = Readonly<{
  /** What is held under this key, or else what `make` gives. */
  hold(key: string, make: () => T): Held<T>;
}>;

const createKept = <T>(end: (value: T) => Promise<void>): Kept<T> => {
  const entries = new Map<string, { readonly value: T; holders: number }>();
  return {
    hold(key, make) {
      const entry = entries.get(key) ?? { value: make(), holders: 0 };
      entries.set(key, entry);
      entry.holders += 1;
      return {
        value: entry.value,
        async release() {
          entry.holders -= 1;
          if (entry.holders > 0) return;
          entries.delete(key);
          await end(entry.value);
        },
      };
    },
  };
};

/** Of all attempts at calls of a target. */
export type TargetState = Readonly<{ breaker: Breaker; budget: RetryBudget; slots: Slots }>;

export type TargetMemory = Readonly<{ upstreams: Kept<Upstream>; states: Kept<TargetState> }>;

/** One for a process. */
export const createTargetMemory = (): TargetMemory => ({
  upstreams: createKept((upstream) => upstream.close()),
  states: createKept(async () => undefined),
});
