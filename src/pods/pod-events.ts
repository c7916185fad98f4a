/** What happens to pods, for logs and metrics. */

import type { ClusterFault } from '../core/cluster-fault.ts';
import type { PaidPod } from '../core/pod.ts';
import type { PodEnding, PodRow } from './pod-store.ts';

/** `failed`: tried, and to be tried again. */
export type ProvisionResult = 'created' | 'given_back' | 'failed';

/** `expired`: nobody's, and past the time that it says of itself. `ended`: its row has ended. */
export type OrphanEnd = 'expired' | 'ended';

export type PodEvents = Readonly<{
  /** The API server has it now. */
  onCreated(pod: PodRow): void;
  onCreateFailed(pod: PaidPod, fault: ClusterFault): void;
  onGivenBack(pod: PaidPod, reason: string): void;
  /** Seen ready for the first time, so long after it was paid for. */
  onReady(pod: PodRow, afterMs: number): void;
  /** Gone before its time: it is made again. */
  onLost(pod: PodRow): void;
  onEnded(pod: PaidPod, ending: PodEnding): void;
  /** Taken out of the cluster without a payer's time having ended just now. */
  onOrphanDeleted(name: string, why: OrphanEnd): void;
  /** Pods in the cluster that say that they are ours, and that nobody paid for. */
  onOrphans(names: readonly string[]): void;
  /** In the cluster, as the watch tells it. */
  onAlive(count: number): void;
  /** Why none can be started; undefined where they can again. */
  onAvailable(problem: string | undefined): void;
  /** Whether this process looks after the pods of all replicas. */
  onLeading(isLeading: boolean): void;
  /** The clock was set: nothing is ended before the next look. */
  onClockJumped(byMs: number): void;
  /** `what` could not be done, and is tried again. Told once of an outage. */
  onFailed(what: string, error: unknown): void;
}>;
