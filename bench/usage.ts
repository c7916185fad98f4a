/** What usage costs by parts: recording on the event loop, and the way from lines to the store. */
import { join } from 'node:path';
import { createUsageSpool } from '../src/stores/files/usage-spool.ts';
import { openSqliteStores } from '../src/stores/sqlite/stores.ts';
import { createRecorder } from '../src/usage/recorder.ts';
import { eventOf, linesOf } from '../test/usage/usage-events.ts';
import { measureAccessLog } from './grpc/access-log.ts';
import { makeDirectory } from './servers.ts';

export type UsageCosts = Readonly<{
  recordUs: number;
  storedPerSecond: number;
  storeCpuUs: number;
  accessLogPerSecond: number;
}>;

const EVENTS = 200_000;
const A_TURN = 32;
const BATCH = 1_000;

const numbers = Array.from({ length: EVENTS }, (_, index) => index);

const eventAt = (index: number) =>
  eventOf(`0123456789ab-${1_000_000_000 + index}`, {
    source: 'access_log',
    atMs: 1_700_000_000_000 + index,
    keyId: `key_${index % 50}`,
    path: `/api/v1/orders/${index}`,
  });

/** Whole events, as an access log brings them. */
const measureRecording = async (folder: string): Promise<number> => {
  const spool = createUsageSpool(join(folder, 'spool'), { now: Date.now, batchSize: BATCH });
  spool.open();
  const recorder = createRecorder({
    spool,
    queueSize: 10 * EVENTS,
    isBillable: () => true,
    onRecorded: () => undefined,
    onDropped: (_count, reason) => {
      throw new Error(reason);
    },
    soon: () => undefined,
  });
  const events = numbers.map(eventAt);
  const run = (): number => {
    const startedAt = performance.now();
    for (const [index, event] of events.entries()) {
      recorder.record(event);
      if (index % A_TURN === 0) recorder.flush();
    }
    recorder.flush();
    return performance.now() - startedAt;
  };
  run();
  const tookMs = run();
  spool.close();
  return (tookMs * 1_000) / EVENTS;
};

const measureStoring = async (folder: string): Promise<Pick<UsageCosts, 'storedPerSecond' | 'storeCpuUs'>> => {
  const { usage, close } = openSqliteStores(join(folder, 'bench.db'));
  const batches = Array.from({ length: EVENTS / BATCH }, (_, batch) =>
    linesOf(numbers.slice(batch * BATCH, (batch + 1) * BATCH).map(eventAt)),
  );
  await usage.open();
  await usage.add(linesOf([eventOf('first')]));
  const [cpu, startedAt] = [process.cpuUsage(), performance.now()];
  for (let at = 0; at < batches.length; at += 2) await Promise.all(batches.slice(at, at + 2).map(usage.add));
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  await close();
  return { storedPerSecond: EVENTS / seconds, storeCpuUs: (user + system) / EVENTS };
};

export const measureUsage = async (): Promise<UsageCosts> => {
  const { path, remove } = makeDirectory();
  try {
    const accessLogPerSecond = await measureAccessLog();
    return { accessLogPerSecond, recordUs: await measureRecording(path), ...(await measureStoring(path)) };
  } finally {
    remove();
  }
};
