/**
 * Compares what was paid for with what is there. The ledger is right: a pod without a row that is alive goes, or is reported,
 * and a row without a pod is wanted again. The cluster is asked nothing, for the watch has told what is there.
 */
import type { Cluster, SeenPod } from './cluster.ts';
import type { PodEvents } from './pod-events.ts';
import type { PodRow, PodStore } from './pod-store.ts';
import type { SeenPods } from './seen-pods.ts';

export type ReconcileOptions = Readonly<{
  store: Pick<PodStore, 'list' | 'find' | 'noteSeen' | 'noteLost'>;
  cluster: Pick<Cluster, 'deletePod'>;
  seen: Pick<SeenPods, 'all' | 'find' | 'silence'>;
  isLeading(): boolean;
  now: () => number;
  /** Whether a pod of this template that has failed is to be made again; not where it was to run once. */
  replacesFailed(template: string): boolean;
  /** There is something to make. */
  onWanted(): void;
  events: Pick<PodEvents, 'onLost' | 'onReady' | 'onOrphanDeleted' | 'onOrphans'>;
}>;

export type Reconciler = Readonly<{
  /** All rows with all pods. */
  compare(): Promise<void>;
  /** What has changed in the cluster. */
  noteChanged(pod: SeenPod): Promise<void>;
  noteGone(pod: SeenPod): Promise<void>;
}>;

const PAGE = 500;
/** The watch tells a little later than the call that created: longer than clocks of replicas differ. */
const TOLD_LATE_MS = 15_000;
/** What fails at once is not made again without end. */
const FAILED_SOON_MS = 60_000;

export const createReconciler = (options: ReconcileOptions): Reconciler => {
  const { store, cluster, seen, isLeading, now, events } = options;

  /** What was told before a silence may be no more. */
  const canCompare = (): boolean => isLeading() && seen.silence() === undefined;

  const lose = async (name: string): Promise<void> => {
    const lost = await store.noteLost(name, now());
    if (!lost) return;
    events.onLost(lost);
    options.onWanted();
  };

  const noteSeen = async (row: PodRow, { ip, isReady }: SeenPod): Promise<void> => {
    const isNews = (isReady && row.readyAtMs === undefined) || (ip !== undefined && ip !== row.ip);
    if (!isNews || row.stage === 'wanted') return;
    const nowMs = now();
    await store.noteSeen(row.name, { isReady, ...(ip !== undefined && { ip }) }, nowMs);
    if (isReady && row.readyAtMs === undefined) events.onReady(row, nowMs - row.wantedAtMs);
  };

  /** Whether nobody has paid for it, by what is known. */
  const settleUnpaid = async (pod: SeenPod): Promise<boolean> => {
    const row = await store.find(pod.name);
    if (row && row.ending === undefined) return false;
    const isExpired = pod.expiresAtMs !== undefined && pod.expiresAtMs <= now();
    if (!row && !isExpired) return true;
    if ((await cluster.deletePod(pod.name)) === 'deleted') events.onOrphanDeleted(pod.name, row ? 'ended' : 'expired');
    return false;
  };

  /** Evicted, or its node is gone: what is left of its time is still owed. Its end is heard of as of any that is lost. */
  const hasFailed = ({ template }: PodRow, { phase, isBeingDeleted }: SeenPod): boolean =>
    phase === 'Failed' && !isBeingDeleted && options.replacesFailed(template);

  const compareRow = async (row: PodRow): Promise<void> => {
    if (row.stage === 'wanted') return;
    const pod = seen.find(row.name);
    const nowMs = now();
    const ageMs = nowMs - (row.createdAtMs ?? 0);
    if (pod) {
      if (hasFailed(row, pod) && ageMs > FAILED_SOON_MS) await cluster.deletePod(pod.name);
      else await noteSeen(row, pod);
      return;
    }
    if (ageMs > TOLD_LATE_MS && row.expiresAtMs > nowMs) await lose(row.name);
  };

  /** Gives the names of the rows. */
  const compareRows = async (after?: string): Promise<readonly string[]> => {
    const rows = await store.list({ alive: true, limit: PAGE, ...(after !== undefined && { after }) });
    for (const row of rows) if (canCompare()) await compareRow(row);
    const names = rows.map(({ name }) => name);
    return rows.length < PAGE ? names : [...names, ...(await compareRows(names.at(-1)))];
  };

  return {
    async compare() {
      if (!canCompare()) return;
      const paid = new Set(await compareRows());
      const orphans: string[] = [];
      for (const pod of seen.all()) {
        if (!canCompare()) return;
        if (paid.has(pod.name) || pod.isBeingDeleted) continue;
        if (await settleUnpaid(pod)) orphans.push(pod.name);
      }
      events.onOrphans(orphans);
    },

    async noteChanged(pod) {
      if (!isLeading() || (!pod.isReady && pod.ip === undefined)) return;
      const row = await store.find(pod.name);
      if (row && row.ending === undefined) await noteSeen(row, pod);
    },

    async noteGone({ name }) {
      if (!isLeading()) return;
      const row = await store.find(name);
      if (!row || row.ending !== undefined || row.stage === 'wanted' || row.expiresAtMs <= now()) return;
      // Made again by somebody in the meantime.
      if (!seen.find(name)) await lose(name);
    },
  };
};
