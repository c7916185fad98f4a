/** What usage costs by parts: recording on the event loop, and the way from lines to the store. */
import { join } from 'node:path';
import type { DecisionEvent } from '../src/core/decision-event.ts';
import { anonymous, type Identity } from '../src/core/identity.ts';
import { createUsageSpool } from '../src/stores/files/usage-spool.ts';
import { openSqliteStores } from '../src/stores/sqlite/stores.ts';
import { createDecisionUsage } from '../src/usage/decisions.ts';
import { createRecorder } from '../src/usage/recorder.ts';
import type { UsageSpool } from '../src/usage/spool.ts';
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
const CALLERS = 50;
const BATCH = 1_000;

const callers = Array.from(
  { length: CALLERS },
  (_, index): Identity => ({
    method: 'api_key',
    keyId: `key_${index}`,
    limits: [],
    subject: `user${index}`,
    scopes: [],
    roles: [],
    claims: {},
  }),
);

const decisionAt = (index: number): DecisionEvent => ({
  requestId: 'r',
  dialect: 'nginx',
  rule: 'api',
  // By turns: who asks at the same moment is mostly not everybody.
  decision: {
    verdict: 'allow',
    identity: callers[Math.floor(index / A_TURN) % CALLERS] ?? anonymous,
    upstream: {},
    client: {},
    remove: [],
  },
  request: {
    id: 'r',
    method: 'GET',
    scheme: 'https',
    host: 'a.example.com',
    path: `/api/v1/orders/${index}`,
    query: '',
    clientIp: '',
    header: () => undefined,
    findHeaderName: () => undefined,
  },
  peerIp: '',
  durationMs: index / EVENTS,
});

const decisions = Array.from({ length: EVENTS }, (_, index) => decisionAt(index));

/** As `/auth` records. What it leaves in the spool is for the store. */
const measureRecording = (spool: UsageSpool): number => {
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
  const decided = createDecisionUsage({
    prefix: '0123456789ab',
    isBillable: () => true,
    except: new Set(),
    batchSize: BATCH,
    now: Date.now,
    recorder,
  });
  const run = (): number => {
    const startedAt = performance.now();
    for (const [index, decision] of decisions.entries()) {
      if (index % A_TURN === 0) recorder.flush();
      decided(decision);
    }
    recorder.flush();
    return performance.now() - startedAt;
  };
  run();
  return (run() * 1_000) / EVENTS;
};

const measureStoring = async (
  folder: string,
  spool: UsageSpool,
): Promise<Pick<UsageCosts, 'storedPerSecond' | 'storeCpuUs'>> => {
  const { usage, close } = openSqliteStores(join(folder, 'bench.db'));
  const segments = spool.take();
  const events = segments.reduce((sum, segment) => sum + segment.events, 0);
  const batches = segments.flatMap((segment) => segment.batches);
  await usage.open();
  await usage.add(linesOf([eventOf('first')]));
  const [cpu, startedAt] = [process.cpuUsage(), performance.now()];
  for (let at = 0; at < batches.length; at += 2) await Promise.all(batches.slice(at, at + 2).map(usage.add));
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  await close();
  return { storedPerSecond: events / seconds, storeCpuUs: (user + system) / events };
};

export const measureUsage = async (): Promise<UsageCosts> => {
  const { path, remove } = makeDirectory();
  try {
    const accessLogPerSecond = await measureAccessLog();
    const spool = createUsageSpool(join(path, 'spool'), { now: Date.now, batchSize: BATCH });
    spool.open();
    const recordUs = measureRecording(spool);
    const stored = await measureStoring(path, spool);
    spool.close();
    return { accessLogPerSecond, recordUs, ...stored };
  } finally {
    remove();
  }
};
