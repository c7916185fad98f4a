/** What the tests of this folder share: time that is told, a cluster and a ledger in memory. */

import type { ClusterFault } from '../core/cluster-fault.ts';
import type { PaidPod } from '../core/pod.ts';
import type { Cluster, Manifest, SeenPod, Watcher } from './cluster.ts';
import { createPodLife, type PodLife, type PodSettings } from './life.ts';
import type { PodEvents } from './pod-events.ts';
import type { PodRow, PodStore } from './pod-store.ts';

export const START_MS = 1_700_000_000_000;

export type ManualTime = Readonly<{
  now(): number;
  monotonicNow(): number;
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Lets so much time pass, and everything that is due happen. */
  pass(ms: number): Promise<void>;
  /** Sets the clock; the monotonic one goes on. */
  jump(ms: number): void;
}>;

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

export const createManualTime = (): ManualTime => {
  let passedMs = 0;
  let jumpedMs = 0;
  const sleepers = new Set<Readonly<{ atMs: number; wake(): void }>>();
  return {
    now: () => START_MS + passedMs + jumpedMs,
    monotonicNow: () => passedMs,

    pause(ms, signal) {
      if (signal.aborted) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => {
        sleepers.delete(sleeper);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { atMs: passedMs + ms, wake };
      sleepers.add(sleeper);
      signal.addEventListener('abort', wake);
      return promise;
    },

    async pass(ms) {
      const untilMs = passedMs + ms;
      await settled();
      for (;;) {
        const [next] = [...sleepers].filter(({ atMs }) => atMs <= untilMs).sort((one, other) => one.atMs - other.atMs);
        if (!next) break;
        passedMs = Math.max(passedMs, next.atMs);
        next.wake();
        await settled();
      }
      passedMs = untilMs;
    },

    jump(ms) {
      jumpedMs += ms;
    },
  };
};

type Call = 'createPod' | 'createService' | 'tryPod' | 'deletePod' | 'holdLease';

export type MemoryCluster = Cluster &
  Readonly<{
    pods: Map<string, SeenPod>;
    /** Each call so far, with the name that it was for. */
    calls: (readonly [call: Call, name: string])[];
    count(call: Call): number;
    /** Thrown by each of these calls until it is taken away; `after`: it is done nevertheless. */
    fail(call: Call, fault: ClusterFault | undefined, when?: 'before' | 'after'): void;
    lose(reason: string): void;
    /** Heard again, with everything that there is. */
    list(): void;
    change(name: string, change: Partial<SeenPod>): void;
    /** By somebody else. */
    remove(name: string): void;
    add(pod: SeenPod): void;
    leaseHolder(): string | undefined;
  }>;

const textAt = (value: unknown, ...path: readonly string[]): string => {
  const found = path.reduce<unknown>(
    (parent, key) => (typeof parent === 'object' && parent !== null ? Reflect.get(parent, key) : undefined),
    value,
  );
  return typeof found === 'string' ? found : '';
};

export const nameIn = (manifest: Manifest): string => textAt(manifest, 'metadata', 'name');

export const createMemoryCluster = (time: Pick<ManualTime, 'monotonicNow'>): MemoryCluster => {
  const pods = new Map<string, SeenPod>();
  const calls: (readonly [Call, string])[] = [];
  const faults = new Map<Call, Readonly<{ fault: ClusterFault; when: 'before' | 'after' }>>();
  const watchers = new Set<Watcher>();
  let lease: { holder: string; untilMs: number } | undefined;
  let isHeard = true;
  let made = 0;

  const call = async <T>(kind: Call, name: string, act: () => T): Promise<T> => {
    calls.push([kind, name]);
    await Promise.resolve();
    const failing = faults.get(kind);
    if (failing?.when === 'before') throw failing.fault;
    const result = act();
    if (failing) throw failing.fault;
    return result;
  };

  const tell = (act: (watcher: Watcher) => void): void => {
    if (isHeard) for (const watcher of watchers) act(watcher);
  };

  const put = (pod: SeenPod): void => {
    pods.set(pod.name, pod);
    tell((watcher) => watcher.onChanged(pod));
  };

  const drop = (name: string): boolean => {
    const pod = pods.get(name);
    pods.delete(name);
    if (pod) tell((watcher) => watcher.onGone(pod));
    return pod !== undefined;
  };

  return {
    pods,
    calls,
    count: (kind) => calls.filter(([called]) => called === kind).length,

    fail(kind, fault, when = 'before') {
      if (fault) faults.set(kind, { fault, when });
      else faults.delete(kind);
    },

    lose(reason) {
      tell((watcher) => watcher.onLost(reason));
      isHeard = false;
    },

    list() {
      isHeard = true;
      tell((watcher) => watcher.onListed([...pods.values()]));
    },

    change(name, change) {
      const pod = pods.get(name);
      if (pod) put({ ...pod, ...change });
    },

    remove: drop,
    add: put,
    leaseHolder: () => lease?.holder,

    createPod: (manifest) =>
      call('createPod', nameIn(manifest), () => {
        const name = nameIn(manifest);
        const paymentId = textAt(manifest, 'payment');
        const other = pods.get(name);
        if (other) return other.paymentId === paymentId ? 'found' : 'foreign';
        made += 1;
        const expiresAtMs = Date.parse(textAt(manifest, 'expires'));
        put({
          name,
          uid: `uid-${made}`,
          phase: 'Pending',
          isReady: false,
          isBeingDeleted: false,
          paymentId,
          expiresAtMs,
        });
        return 'created';
      }),
    createService: (manifest) => call('createService', nameIn(manifest), () => 'created'),
    tryPod: (manifest) => call('tryPod', nameIn(manifest), () => undefined),
    deletePod: (name) => call('deletePod', name, () => (drop(name) ? 'deleted' : 'absent')),

    watch(watcher) {
      watchers.add(watcher);
      if (isHeard) queueMicrotask(() => watcher.onListed([...pods.values()]));
      return {
        async close() {
          watchers.delete(watcher);
        },
      };
    },

    holdLease: (name, holder, durationMs) =>
      call('holdLease', name, () => {
        const nowMs = time.monotonicNow();
        if (lease && lease.holder !== holder && nowMs < lease.untilMs) return false;
        lease = { holder, untilMs: nowMs + durationMs };
        return true;
      }),

    async releaseLease(_name, holder) {
      if (lease?.holder === holder) lease = undefined;
    },
    close: async () => undefined,
  };
};

export type MemoryPods = PodStore & Readonly<{ rows: Map<string, PodRow> }>;

/** As the ledger does it, for one process. */
export const createMemoryPods = (): MemoryPods => {
  const rows = new Map<string, PodRow>();
  const alive = (): PodRow[] => [...rows.values()].filter(({ ending }) => ending === undefined);
  const update = (name: string, change: (row: PodRow) => Partial<PodRow> | undefined): PodRow | undefined => {
    const row = rows.get(name);
    const changed = row && row.ending === undefined ? change(row) : undefined;
    if (!row || !changed) return undefined;
    const next = { ...row, ...changed };
    rows.set(name, next);
    return next;
  };

  return {
    rows,
    find: async (name) => rows.get(name),
    list: async ({ alive: onlyAlive, after = '', limit }) =>
      (onlyAlive ? alive() : [...rows.values()])
        .filter(({ name }) => name > after)
        .sort((one, other) => (one.name < other.name ? -1 : 1))
        .slice(0, limit),
    counts: async () => {
      const wanted = alive().filter(({ stage }) => stage === 'wanted').length;
      return { reserved: 0, wanted, created: alive().length - wanted };
    },
    wanted: async (limit) =>
      alive()
        .filter(({ stage }) => stage === 'wanted')
        .slice(0, limit),

    async noteCreated(name, nowMs) {
      const row = rows.get(name);
      if (row && row.ending === undefined && row.stage !== 'wanted') return row;
      return update(name, ({ runsMs }) => ({ stage: 'created', createdAtMs: nowMs, expiresAtMs: nowMs + runsMs }));
    },

    async noteSeen(name, { ip, isReady }, nowMs) {
      update(name, ({ stage, readyAtMs }) => ({
        ...(ip !== undefined && { ip }),
        ...(isReady && { stage: 'ready' as const, readyAtMs: readyAtMs ?? nowMs }),
        ...(!isReady && { stage }),
      }));
    },

    async noteLost(name, nowMs) {
      const row = rows.get(name);
      if (!row || row.ending !== undefined || row.expiresAtMs <= nowMs) return undefined;
      const { createdAtMs, readyAtMs, ip, ...rest } = row;
      const lost: PodRow = { ...rest, stage: 'wanted', wantedAtMs: nowMs, runsMs: row.expiresAtMs - nowMs };
      rows.set(name, lost);
      return lost;
    },
    expired: async (nowMs, limit) =>
      alive()
        .filter(({ stage, expiresAtMs }) => stage !== 'wanted' && expiresAtMs <= nowMs)
        .slice(0, limit),
    end: async (name, ending, nowMs) =>
      update(name, ({ expiresAtMs }) =>
        ending === 'expired' && expiresAtMs > nowMs ? undefined : { ending, endedAtMs: nowMs },
      ) !== undefined,
    giveBack: async (name, nowMs) =>
      update(name, ({ stage }) => (stage === 'wanted' ? { ending: 'given_back', endedAtMs: nowMs } : undefined)) !==
      undefined,
    releaseReserved: async () => 0,
    forget: async () => false,
  };
};

export type Told = readonly [event: keyof PodEvents, ...about: unknown[]];

export const recordEvents = (): Readonly<{ events: PodEvents; told: Told[]; of(event: keyof PodEvents): Told[] }> => {
  const told: Told[] = [];
  const record =
    (event: keyof PodEvents) =>
    (...about: readonly unknown[]): void => {
      told.push([event, ...about]);
    };
  const events: PodEvents = {
    onCreated: record('onCreated'),
    onCreateFailed: record('onCreateFailed'),
    onGivenBack: record('onGivenBack'),
    onReady: record('onReady'),
    onLost: record('onLost'),
    onEnded: record('onEnded'),
    onOrphanDeleted: record('onOrphanDeleted'),
    onOrphans: record('onOrphans'),
    onAlive: record('onAlive'),
    onAvailable: record('onAvailable'),
    onLeading: record('onLeading'),
    onClockJumped: record('onClockJumped'),
    onFailed: record('onFailed'),
  };
  return { events, told, of: (event) => told.filter(([kind]) => kind === event) };
};

export const terms = { template: 'default', mostOfAccount: 1, mostInAll: 100, longestMs: 86_400_000 } as const;

const settings: PodSettings = {
  namespace: 'user-workloads',
  wait: 'created',
  waitMs: 8_000,
  giveBackAfterMs: 600_000,
  reapEveryMs: 30_000,
  tell: [],
};

/** Paid for, and nothing more. */
export const paidPod: PaidPod = {
  name: 'user-pod-0123456789ab',
  template: 'default',
  paymentId: 'c0ffee',
  amount: 1000,
  unit: 'sat',
  stage: 'wanted',
  runsMs: 3_600_000,
  expiresAtMs: Date.UTC(2026, 10, 22, 12),
};

/** As much of the real one as the cluster in memory looks at. */
export const render = (pod: PaidPod) => ({
  pod: { metadata: { name: pod.name }, payment: pod.paymentId, expires: new Date(pod.expiresAtMs).toISOString() },
});

export type Replica = ReturnType<typeof startReplica>;

type Around = Readonly<{ time: ManualTime; cluster: MemoryCluster; store: MemoryPods }>;

const startReplica = ({ time, cluster, store }: Around, holder: string, change: Partial<PodSettings>) => {
  const { events, told, of } = recordEvents();
  const life: PodLife = createPodLife({
    settings: { ...settings, ...change },
    store,
    cluster,
    templates: ['default'],
    render,
    replacesFailed: (template) => template === 'default',
    holder,
    now: time.now,
    monotonicNow: time.monotonicNow,
    pause: time.pause,
    events,
  });
  life.start();
  return { life, told, of, ...life.provision(terms) };
};

/** One cluster and one ledger, and as many replicas as are started. */
export const createScene = (change: Partial<PodSettings> = {}) => {
  const time = createManualTime();
  const cluster = createMemoryCluster(time);
  const store = createMemoryPods();
  let paid = 0;
  return {
    time,
    cluster,
    store,

    start: async (holder = 'one'): Promise<Replica> => {
      const replica = startReplica({ time, cluster, store }, holder, change);
      await time.pass(0);
      return replica;
    },

    /** What the ledger has written when a payment was taken. */
    pay(lastsMs = 3_600_000): PodRow {
      paid += 1;
      const row: PodRow = {
        name: `user-pod-${String(paid).padStart(12, '0')}`,
        template: 'default',
        paymentId: `pay_${paid}`,
        amount: 1_000,
        unit: 'sat',
        stage: 'wanted',
        expiresAtMs: time.now() + lastsMs,
        rule: 'premium',
        lastsMs,
        runsMs: lastsMs,
        wantedAtMs: time.now(),
      };
      store.rows.set(row.name, row);
      return row;
    },
  };
};
