/** Where events and their sums by the hour are kept. */
import type { SpooledLines } from './spool.ts';

export type UsageAdded = Readonly<{
  /** New events. */
  added: number;
  /** Events whose id was there already: they changed nothing. */
  known: number;
  /** Lines that are no event. */
  unreadable: number;
}>;

export const usageWindows = ['hour', 'day', 'month'] as const;
export type UsageWindow = (typeof usageWindows)[number];

export const usageGroups = ['key', 'user', 'rule'] as const;
export type UsageGroup = (typeof usageGroups)[number];

/** Values of the groups that were asked for, in the order of `usageGroups`. */
export type UsagePlace = Readonly<{ startMs: number; groups: readonly string[] }>;

export type UsageQuestion = Readonly<{
  /** Whole hours that begin from here on, and before `toMs`. */
  fromMs: number;
  toMs: number;
  keyId?: string | undefined;
  userId?: string | undefined;
  rule?: string | undefined;
  /** UTC. */
  window: UsageWindow;
  groupBy: readonly UsageGroup[];
  /** The last place of the page before. */
  after?: UsagePlace | undefined;
  limit: number;
}>;

export type UsageSum = Readonly<{
  startMs: number;
  groups: Readonly<Partial<Record<UsageGroup, string>>>;
  requests: number;
  billableRequests: number;
  requestBytes: number;
  responseBytes: number;
  durationMs: number;
}>;

export type UsageStore = Readonly<{
  /** Throws where the store cannot be used, and will not be without a change. */
  open(): Promise<void>;
  /** Lines as `writeUsageLine` makes them: each event counts once, however often it comes. Resolves when they are durable. */
  add(lines: SpooledLines): Promise<UsageAdded>;
  /** By start, then by groups. */
  sum(question: UsageQuestion): Promise<readonly UsageSum[]>;
  /** Forgets at most `limit` events before `beforeMs`, and sums of hours before `sumsBeforeMs`. Gives whether there are more. */
  forget(beforeMs: number, sumsBeforeMs: number, limit: number): Promise<boolean>;
}>;
