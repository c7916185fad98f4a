/**
 * Ends pods whose time is over: first the row, by whichever process is the one that ends it, then the pod. What is left in
 * the cluster by an interruption is found by reconciliation.
 */
import type { Cluster } from './cluster.ts';
import type { PodEvents } from './pod-events.ts';
import type { PodRow, PodStore } from './pod-store.ts';

export type ReaperOptions = Readonly<{
  store: Pick<PodStore, 'expired' | 'end'>;
  cluster: Pick<Cluster, 'deletePod'>;
  /** Asked before each. */
  isLeading(): boolean;
  now: () => number;
  events: Pick<PodEvents, 'onEnded'>;
}>;

const MOST_AT_ONCE = 8;
const MOST_AT_A_LOOK = 256;

/** Says whether there may be more. */
export const createReaper = ({ store, cluster, isLeading, now, events }: ReaperOptions) => {
  const end = async (pod: PodRow): Promise<void> => {
    // It may have been extended since it was found.
    if (!(await store.end(pod.name, 'expired', now()))) return;
    events.onEnded(pod, 'expired');
    await cluster.deletePod(pod.name);
  };

  return async (): Promise<boolean> => {
    const rows = await store.expired(now(), MOST_AT_A_LOOK);
    const queue = rows.values();
    const failures: unknown[] = [];
    const takeAll = async (): Promise<void> => {
      for (const row of queue) {
        if (!isLeading()) return;
        await end(row).catch((error: unknown) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: MOST_AT_ONCE }, takeAll));
    if (failures.length > 0) throw failures[0];
    return rows.length === MOST_AT_A_LOOK;
  };
};
