/**
 * A namespace that outlives whoever uses it: one file a pod. In the place of an API server, for processes that are killed at
 * every step between a payment and its pod, and between the end of its time and its deletion.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PaidPod } from '../../src/core/pod.ts';
import type { Cluster, Creation, SeenPod, Watcher } from '../../src/pods/cluster.ts';
import { createPodLife, type PodLife } from '../../src/pods/life.ts';
import type { PodEvents } from '../../src/pods/pod-events.ts';
import type { PodStore } from '../../src/pods/pod-store.ts';
import type { PodPoint } from './storm.ts';

/** How long a pod runs by one token. */
export const RUNS_MS = 30_000;
/** Less than there are payers, so that some find no room. */
export const MOST_PODS = 10;

/** Some names are another's there: such a pod can never be made. */
export const isForeign = (name: string): boolean => /[0-4]$/.test(name);

type Kept = Readonly<{ paymentId: string; expiresAtMs: number }>;

const fileOf = (folder: string, name: string): string => join(folder, `${name}.json`);

export const podsIn = (folder: string): readonly string[] =>
  readdirSync(folder).map((file) => file.replace(/\.json$/, ''));

const seenPod = (folder: string, name: string): SeenPod => {
  const { paymentId, expiresAtMs } = JSON.parse(readFileSync(fileOf(folder, name), 'utf8')) as Kept;
  return { name, uid: name, phase: 'Running', isReady: true, isBeingDeleted: false, paymentId, expiresAtMs };
};

const asText = (pod: Kept): string => JSON.stringify({ paymentId: pod.paymentId, expiresAtMs: pod.expiresAtMs });

const createNamespace = (folder: string, reached: (point: PodPoint) => void): Cluster => {
  const watchers = new Set<Watcher>();
  return {
    async createPod(manifest): Promise<Creation> {
      const pod = manifest as PaidPod;
      reached('to create');
      if (isForeign(pod.name)) return 'foreign';
      try {
        writeFileSync(fileOf(folder, pod.name), asText(pod), { flag: 'wx' });
      } catch {
        return 'found';
      }
      reached('created');
      for (const watcher of watchers) watcher.onChanged(seenPod(folder, pod.name));
      return 'created';
    },
    createService: async () => 'created',
    tryPod: async () => undefined,
    async deletePod(name) {
      reached('to delete');
      if (!podsIn(folder).includes(name)) return 'absent';
      const pod = seenPod(folder, name);
      rmSync(fileOf(folder, name));
      reached('deleted');
      for (const watcher of watchers) watcher.onGone(pod);
      return 'deleted';
    },
    watch(watcher) {
      watchers.add(watcher);
      setImmediate(() => watcher.onListed(podsIn(folder).map((name) => seenPod(folder, name))));
      return { close: async () => void watchers.delete(watcher) };
    },
    holdLease: async () => true,
    releaseLease: async () => undefined,
    close: async () => undefined,
  };
};

const silent: PodEvents = {
  onCreated: () => undefined,
  onCreateFailed: () => undefined,
  onGivenBack: () => undefined,
  onReady: () => undefined,
  onLost: ({ name }) => {
    throw new Error(`${name} is lost`);
  },
  onEnded: () => undefined,
  onOrphanDeleted: () => undefined,
  onOrphans: () => undefined,
  onAlive: () => undefined,
  onAvailable: () => undefined,
  onLeading: () => undefined,
  onClockJumped: () => undefined,
  onFailed: (what, error) => console.error(what, error),
};

export type NamespaceOptions = Readonly<{
  folder: string;
  store: PodStore;
  now: () => number;
  reached(point: PodPoint): void;
}>;

export const openNamespace = ({ folder, store, now, reached }: NamespaceOptions): PodLife => {
  const deadly: PodStore = {
    ...store,
    async noteCreated(...asked) {
      const row = await store.noteCreated(...asked);
      reached('noted');
      return row;
    },
    async giveBack(...asked) {
      const isGiven = await store.giveBack(...asked);
      reached('given back');
      return isGiven;
    },
    async end(...asked) {
      const isEnded = await store.end(...asked);
      reached('ended');
      return isEnded;
    },
  };
  return createPodLife({
    settings: {
      namespace: 'pods',
      wait: 'created',
      waitMs: 8_000,
      giveBackAfterMs: 60_000,
      reapEveryMs: 500,
      tell: [],
    },
    store: deadly,
    cluster: createNamespace(folder, reached),
    templates: ['default'],
    render: (pod) => ({ pod }),
    replacesFailed: () => true,
    holder: 'storm',
    now,
    monotonicNow: () => performance.now(),
    pause: async (ms, signal) => delay(ms, undefined, { signal, ref: false }).catch(() => undefined),
    events: silent,
  });
};
