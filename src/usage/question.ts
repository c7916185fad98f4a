/** What is asked of usage, as words: the same of the admin API and of the command line. */
import type { UsageGroup, UsagePlace, UsageQuestion, UsageSum, UsageWindow } from './usage-store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How far back a question without `from` goes. */
const spanMs: Readonly<Record<UsageWindow, number>> = { hour: DAY_MS, day: 30 * DAY_MS, month: 365 * DAY_MS };

const wholeHourBefore = (ms: number): number => ms - (ms % HOUR_MS);
const wholeHourAfter = (ms: number): number => wholeHourBefore(ms + HOUR_MS - 1);

/** What is not said: whole hours from `from` to `to`, up to now. Gives nothing where the time ends before it begins. */
export const periodOf = (
  { fromMs, toMs, window }: Readonly<{ fromMs: number | undefined; toMs: number | undefined; window: UsageWindow }>,
  nowMs: number,
): Pick<UsageQuestion, 'fromMs' | 'toMs'> | undefined => {
  const to = wholeHourAfter(toMs ?? nowMs + 1);
  const from = wholeHourBefore(fromMs ?? to - spanMs[window]);
  return from < to ? { fromMs: from, toMs: to } : undefined;
};

const names = { key: 'key_id', user: 'user_id', rule: 'rule' } as const satisfies Record<UsageGroup, string>;

type Named = Readonly<Partial<Record<(typeof names)[UsageGroup], string>>>;

export type ShownUsage = Named &
  Readonly<{
    start: string;
    requests: number;
    billable_requests: number;
    request_bytes: number;
    response_bytes: number;
    duration_ms: number;
  }>;

export const showUsage = (sum: UsageSum): ShownUsage => ({
  start: new Date(sum.startMs).toISOString(),
  ...Object.fromEntries(Object.entries(sum.groups).map(([group, value]) => [names[group as UsageGroup], value])),
  requests: sum.requests,
  billable_requests: sum.billableRequests,
  request_bytes: sum.requestBytes,
  response_bytes: sum.responseBytes,
  duration_ms: sum.durationMs,
});

/** Opaque to callers. */
export const placeOf = ({ startMs, groups }: UsageSum): UsagePlace => ({ startMs, groups: Object.values(groups) });
