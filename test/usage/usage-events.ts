import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpooledLines } from '../../src/usage/spool.ts';
import type { UsageEvent } from '../../src/usage/usage-event.ts';
import { writeUsageLine } from '../../src/usage/usage-line.ts';
import type { UsageQuestion, UsageStore, UsageSum } from '../../src/usage/usage-store.ts';
import { createWorkdir, type Workdir } from '../servers/workdir.ts';

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

export const textOf = (events: readonly UsageEvent[]): string =>
  events.map((event) => writeUsageLine(event, event.status < 300)).join('');

let workdir: Workdir | undefined;
let files = 0;

/** In a file, as stores are given them; it is removed with this process. */
export const spooled = (lines: string): SpooledLines => {
  workdir ??= createWorkdir('lines');
  files += 1;
  const path = join(workdir.path, `${files}.events`);
  writeFileSync(path, lines);
  return { path, from: 0, to: Buffer.byteLength(lines) };
};

export const linesOf = (events: readonly UsageEvent[]): SpooledLines => spooled(textOf(events));

export const everything: UsageQuestion = { fromMs: 0, toMs: 1e15, window: 'month', groupBy: [], limit: 1_000 };

export const sumsOf = (store: UsageStore, changes: Partial<UsageQuestion> = {}): Promise<readonly UsageSum[]> =>
  store.sum({ ...everything, ...changes });

/** Of all months. */
export const countOf = async (store: UsageStore): Promise<number> =>
  (await sumsOf(store)).reduce((sum, { requests }) => sum + requests, 0);
