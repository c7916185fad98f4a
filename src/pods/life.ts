/** The life of pods, from the payment to their end: what is done for requests, and what goes on beside them. */
import type { PaidPod, PodTerms, Provision } from '../core/pod.ts';
import { createAvailability } from './availability.ts';
import { createClockJumps } from './clock-jumps.ts';
import type { Cluster } from './cluster.ts';
import { createLeader } from './leader.ts';
import { createMaker, type Rendered } from './maker.ts';
import type { PodEvents } from './pod-events.ts';
import type { PodRow, PodStore } from './pod-store.ts';
import { createProvisioner, type Tell } from './provisioner.ts';
import { createReaper } from './reaper.ts';
import { createReconciler } from './reconcile.ts';
import { createSeenPods } from './seen-pods.ts';
import { createTending } from './tending.ts';
import { createTidying } from './tidying.ts';
import { createWorker } from './worker.ts';

export type PodSettings = Readonly<{
  namespace: string;
  wait: 'created' | 'ready';
  waitMs: number;
  giveBackAfterMs: number;
  reapEveryMs: number;
  tell: readonly Tell[];
}>;

export type PodLifeOptions = Readonly<{
  settings: PodSettings;
  store: PodStore;
  cluster: Cluster;
  /** Those that rules start. */
  templates: readonly string[];
  render(pod: PaidPod): Rendered | undefined;
  /** See `ReconcileOptions`. */
  replacesFailed(template: string): boolean;
  /** Names this process among all replicas. */
  holder: string;
  now: () => number;
  monotonicNow: () => number;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  events: PodEvents;
}>;

export type PodLife = Readonly<{
  provision(terms: PodTerms): Provision;
  /** Why none can be started, for readiness. */
  problem(): string | undefined;
  /** Ends a pod and its payer's time; the pod goes at once where the cluster answers. Undefined where none is alive. */
  end(name: string): Promise<PodRow | undefined>;
  start(): void;
  /** Hands over to another replica. */
  close(): Promise<void>;
}>;

const LONGEST_LEASE_MS = 30_000;
const SHORTEST_LEASE_MS = 5_000;
const SAMPLE_MS = 60_000;

/** A pod that is never made: only asked about. */
const sampleOf = (template: string, nowMs: number): PaidPod => ({
  name: 'user-pod-000000000000',
  template,
  paymentId: 'none',
  amount: 1,
  unit: 'sat',
  stage: 'wanted',
  runsMs: SAMPLE_MS,
  expiresAtMs: nowMs + SAMPLE_MS,
});

export const createPodLife = (options: PodLifeOptions): PodLife => {
  const { settings, store, cluster, render, now, monotonicNow, pause, events } = options;

  const quietly = (what: string, work: Promise<unknown>): void => {
    work.catch((error: unknown) => events.onFailed(what, error));
  };

  const tellAlive = (): void => events.onAlive(seen.all().length);

  const seen = createSeenPods({
    onHeard() {
      tellAlive();
      availability.noteWatch();
      worker.prompt();
      tending.prompt();
    },
    onSilent: () => availability.noteWatch(),
    onAppeared() {
      tellAlive();
      if (seen.silence() === undefined) availability.noteCount('more');
    },
    onChanged: (pod) => quietly('a pod cannot be noted', reconciler.noteChanged(pod)),
    onGone(pod) {
      tellAlive();
      availability.noteCount('less');
      quietly('a pod that is gone cannot be noted', reconciler.noteGone(pod));
    },
  });

  const availability = createAvailability({
    templates: options.templates,
    async tryTemplate(template) {
      const rendered = render(sampleOf(template, now()));
      if (rendered) await cluster.tryPod(rendered.pod);
    },
    silence: seen.silence,
    pause,
    onAvailable: events.onAvailable,
  });

  const maker = createMaker({
    store,
    cluster,
    render,
    now,
    onFault: availability.noteFault,
    onTaken: availability.noteCreated,
    events,
  });

  const worker = createWorker({
    store,
    maker,
    silence: seen.silence,
    giveBackAfterMs: settings.giveBackAfterMs,
    now,
    pause,
    events,
  });

  const leader = createLeader({
    cluster,
    holder: options.holder,
    durationMs: Math.min(LONGEST_LEASE_MS, Math.max(SHORTEST_LEASE_MS, settings.reapEveryMs)),
    monotonicNow,
    pause,
    events,
    onElected: () => tending.prompt(),
  });

  const { isLeading } = leader;
  const reconciler = createReconciler({
    store,
    cluster,
    seen,
    isLeading,
    replacesFailed: options.replacesFailed,
    now,
    onWanted: () => worker.prompt(),
    events,
  });
  const tending = createTending({
    isLeading,
    reap: createReaper({ store, cluster, isLeading, now, events }),
    compare: reconciler.compare,
    jumps: createClockJumps(now, monotonicNow),
    everyMs: settings.reapEveryMs,
    pause,
    events,
  });
  const tidying = createTidying({ store, keepPlaceMs: settings.giveBackAfterMs, now, pause, events });

  const provision = createProvisioner({
    availability,
    maker,
    seen,
    wait: settings.wait,
    waitMs: settings.waitMs,
    tell: settings.tell,
    namespace: settings.namespace,
    pause,
  });

  const background = [worker, leader, tending, tidying];
  let watching: Readonly<{ close(): Promise<void> }> | undefined;

  return {
    provision,
    problem: availability.reason,

    async end(name) {
      const row = await store.find(name);
      if (!row || row.ending !== undefined || !(await store.end(name, 'deleted', now()))) return undefined;
      events.onEnded(row, 'deleted');
      // What stays is found by whoever leads.
      await cluster.deletePod(name).catch((error: unknown) => events.onFailed('a pod cannot be deleted', error));
      return row;
    },

    start() {
      watching ??= cluster.watch(seen.watcher);
      for (const part of background) part.start();
    },

    async close() {
      await watching?.close();
      await Promise.all([availability, worker, tending, tidying].map((part) => part.close()));
      // The last, so that nobody else begins what was under way here.
      await leader.close();
    },
  };
};
