/** Usage: from what was let through to the store, by way of the spool. */
import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import { beforeSending } from '../http/auth-response.ts';
import { pause } from '../pause.ts';
import { createUsageSpool, type UsageSpoolOptions } from '../stores/files/usage-spool.ts';
import type { Stores } from '../stores/sql/stores.ts';
import { createBillable } from '../usage/billable.ts';
import { createDecisionUsage } from '../usage/decisions.ts';
import { createDrain } from '../usage/drain.ts';
import { createRecorder } from '../usage/recorder.ts';
import { createRetention } from '../usage/retention.ts';
import type { RecordUsage } from '../usage/usage-event.ts';
import type { UsageStore } from '../usage/usage-store.ts';
import type { createUsageEvents } from './usage-events.ts';

export type Usage = Readonly<{
  store: UsageStore;
  record: RecordUsage;
  /** For an access log, which can wait: settles when there is room for more, undefined where there is. */
  room(): Promise<void> | undefined;
  /** To be told of every decision: those that let a request through are recorded. */
  observedAlsoBy(other: (event: DecisionEvent) => void): (event: DecisionEvent) => void;
  /** What was recorded survives this process when it returns, or is counted as dropped. For doors before they answer. */
  flush(): void;
  problem(): string | undefined;
  start(): void;
  /** After the last answer: takes what is left to the store, or leaves it in the spool. */
  close(): Promise<void>;
}>;

export type UsageParts = Readonly<{
  config: Config;
  stores: Pick<Stores, 'usage'>;
  now(): number;
  events: ReturnType<typeof createUsageEvents>;
  /** Instead of `UsageStore.add`, where usage is billed. */
  addBilled?: UsageStore['add'] | undefined;
}>;

/** Handing in a token by the payment page lets no request through. */
const noRequest = ['page'];
/** Whose proxy tells of its requests by its access log. */
const envoyDialects = ['envoy', 'envoy_grpc'];

const openSpool = (folder: string, options: UsageSpoolOptions) => {
  const spool = createUsageSpool(folder, options);
  try {
    spool.open();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`usage.spool ${folder} cannot be written: ${why}`, { cause });
  }
  return spool;
};

/** Throws where the spool or the store cannot be used, and will not be without a change. */
export const assembleUsage = async ({ config, stores, now, events, addBilled }: UsageParts): Promise<Usage> => {
  const { usage, grpc } = config;
  if (!usage) throw new TypeError('usage is not configured');
  const store = stores.usage;
  await store.open();
  const spool = openSpool(usage.spool, { now, batchSize: usage.batch_size });
  const isBillable = createBillable(usage.billable);
  const recorder = createRecorder({
    spool,
    queueSize: usage.queue_size,
    isBillable,
    onRecorded: events.onRecorded,
    onDropped: events.onDropped,
    soon: setImmediate,
  });
  const drain = createDrain({
    spool,
    store: { add: addBilled ?? store.add },
    flushIntervalMs: usage.flush_interval,
    now,
    pause,
    onAdopted(count) {
      recorder.settle(-count);
      events.onAdopted(count);
    },
    onStored(count, unreadable) {
      recorder.settle(count);
      events.onStored(count, unreadable);
    },
    onRound: (oldestAtMs) => events.onWaiting(recorder.waiting(), oldestAtMs),
    onFailed: events.onPostponed,
  });
  const retention = createRetention({
    store,
    eventsMs: usage.retention,
    sumsMs: usage.summary_retention,
    now,
    pause,
    onFailed: events.onForgettingFailed,
  });
  const stopFlushing = beforeSending(recorder.flush);

  const decided = createDecisionUsage({
    prefix: randomBytes(9).toString('base64url'),
    isBillable,
    except: new Set([...noRequest, ...(grpc?.access_log ? envoyDialects : [])]),
    batchSize: usage.batch_size,
    now,
    recorder,
  });

  return {
    store,
    record: recorder.record,
    room: recorder.room,
    observedAlsoBy: (other) => (event) => {
      other(event);
      decided(event);
    },
    flush: recorder.flush,
    problem: drain.problem,

    start() {
      drain.start();
      retention.start();
    },

    async close() {
      recorder.flush();
      stopFlushing();
      await Promise.all([drain.close(), retention.close()]);
      spool.close();
    },
  };
};
