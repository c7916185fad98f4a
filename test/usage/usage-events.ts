import type { UsageEvent } from '../../src/usage/usage-event.ts';
import { writeUsageLine } from '../../src/usage/usage-line.ts';
import type { UsageQuestion, UsageStore, UsageSum } from '../../src/usage/usage-store.ts';

/** 2026-01-31T23:00:00Z: an hour later it is another hour, day and month. */
export const lastHour = Date.UTC(2026, 0, 31, 23);

export const eventOf = (id: string, changes: Partial<UsageEvent> = {}): UsageEvent => ({
  id,
  source: 'decision',
  atMs: lastHour,
  keyId: 'key_a',
  userId: 'ann',
  rule: 'api',
  method: 'GET',
  host: 'a.example.com',
  path: '/orders',
  status: 200,
  requestBytes: 1,
  responseBytes: 10,
  durationMs: 0.5,
  ...changes,
});

export const linesOf = (events: readonly UsageEvent[]): string =>
  events.map((event) => writeUsageLine(event, event.status < 300)).join('');

export const everything: UsageQuestion = { fromMs: 0, toMs: 1e15, window: 'month', groupBy: [], limit: 1_000 };

export const sumsOf = (store: UsageStore, changes: Partial<UsageQuestion> = {}): Promise<readonly UsageSum[]> =>
  store.sum({ ...everything, ...changes });

/** Of all months. */
export const countOf = async (store: UsageStore): Promise<number> =>
  (await sumsOf(store)).reduce((sum, { requests }) => sum + requests, 0);
