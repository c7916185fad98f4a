/** Reloading with several workers, on the side of their primary: all of them build the new configuration, and only then does any use it. */
import type { Worker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedConfig } from './config/load.ts';
import type { Recording } from './config/recording.ts';
import { type Reason, ReloadRefused } from './reload/refused.ts';
import type { Prepared, Reloads } from './reload/reloads.ts';
import type { ReplicaStatus } from './reload/status.ts';
import type { FromPrimary, FromWorker } from './stores/primary/protocol.ts';

export type PrimaryReloads = Readonly<{
  prepare(loaded: Pick<LoadedConfig, 'recording'>): Promise<Prepared>;
  /** Tells every worker what it may be asked for. */
  tell(status: ReplicaStatus): void;
  hear(worker: Worker, message: FromWorker): Promise<void>;
  forget(worker: Worker): void;
}>;

/** To build ten thousand rules takes less than a second; to wait for the keys of a new issuer ten. */
const PREPARED_WITHIN_MS = 60_000;
const COMMITTED_WITHIN_MS = 5_000;
const STARTED_WITHIN_MS = 30_000;

type Answer = readonly Reason[];

const noAnswer: Answer = [{ message: 'a worker does not answer' }];

const send = (worker: Worker, message: FromPrimary): void => {
  if (worker.isConnected()) worker.send(message);
};

export const createPrimaryReloads = (
  loaded: Pick<LoadedConfig, 'recording'>,
  reloads: () => Pick<Reloads, 'reload' | 'status' | 'own'>,
): PrimaryReloads => {
  let recording: Recording = loaded.recording;
  const ready = new Set<Worker>();
  /** They have what they start with, and must have started before anything else may take its place. */
  const starting = new Map<Worker, PromiseWithResolvers<void>>();
  const waiting = new Map<string, (answer: Answer) => void>();
  let underWay = Promise.withResolvers<void>();
  underWay.resolve();
  let lastId = 0;

  const keyOf = (worker: Worker, id: number): string => `${worker.id} ${id}`;

  /** A worker that ends meanwhile has no objection: the one that follows it starts with what is then in use. */
  const ask = async (worker: Worker, message: FromPrimary & { id: number }, withinMs: number): Promise<Answer> => {
    const key = keyOf(worker, message.id);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    waiting.set(key, resolve);
    const timer = setTimeout(resolve, withinMs, noAnswer);
    send(worker, message);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      waiting.delete(key);
    }
  };

  const askAll = (message: FromPrimary & { id: number }, withinMs: number): Promise<readonly Answer[]> =>
    Promise.all([...ready].map((worker) => ask(worker, message, withinMs)));

  const started = (worker: Worker): void => {
    starting.get(worker)?.resolve();
    starting.delete(worker);
  };

  return {
    async prepare({ recording: next }) {
      await underWay.promise;
      const all = Promise.all([...starting.values()].map(({ promise }) => promise));
      await Promise.race([all, delay(STARTED_WITHIN_MS, undefined, { ref: false })]);
      const done = Promise.withResolvers<void>();
      underWay = done;
      const id = ++lastId;
      const discard = async (): Promise<void> => {
        for (const worker of ready) send(worker, { kind: 'discard', id });
        done.resolve();
      };
      const reasons = (await askAll({ kind: 'prepare', id, recording: next.reveal() }, PREPARED_WITHIN_MS)).flat();
      if (reasons.length > 0) {
        await discard();
        const unlike = new Map(reasons.map((reason) => [JSON.stringify(reason), reason]));
        throw new ReloadRefused([...unlike.values()]);
      }
      return {
        async commit() {
          recording = next;
          await askAll({ kind: 'commit', id }, COMMITTED_WITHIN_MS);
          done.resolve();
        },
        discard,
      };
    },

    tell(status) {
      for (const worker of ready) send(worker, { kind: 'own_status', status });
    },

    async hear(worker, message) {
      switch (message.kind) {
        case 'recording':
          await underWay.promise;
          starting.set(worker, Promise.withResolvers());
          send(worker, { kind: 'recording', id: message.id, recording: recording.reveal(), status: reloads().own() });
          return;
        case 'ready':
          ready.add(worker);
          started(worker);
          send(worker, { kind: 'own_status', status: reloads().own() });
          return;
        case 'answered':
          waiting.get(keyOf(worker, message.id))?.(message.reasons);
          return;
        case 'reload':
          send(worker, { kind: 'reloaded', id: message.id, result: await reloads().reload('request') });
          return;
        case 'report':
          send(worker, { kind: 'report', id: message.id, report: await reloads().status() });
          return;
        default:
          return;
      }
    },

    forget(worker) {
      ready.delete(worker);
      started(worker);
      for (const [key, resolve] of waiting) if (key.startsWith(`${worker.id} `)) resolve([]);
    },
  };
};
