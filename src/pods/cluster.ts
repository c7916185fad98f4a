/** The namespace in which pods are started, as its API server tells of it. */

/** As it is sent: plain JSON of `v1` Pod or Service. */
export type Manifest = Readonly<Record<string, unknown>>;

export type SeenPod = Readonly<{
  name: string;
  uid: string;
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  isReady: boolean;
  isBeingDeleted: boolean;
  ip?: string;
  /** By our annotations; left out where they are not there, or say nothing sensible. */
  paymentId?: string;
  expiresAtMs?: number;
}>;

/** What came of a create. `foreign`: somebody else's object has the name. */
export type Creation = 'created' | 'found' | 'foreign';

/** Called one after the other. `onListed`: everything that there is; afterwards each change. */
export type Watcher = Readonly<{
  onListed(pods: readonly SeenPod[]): void;
  onChanged(pod: SeenPod): void;
  onGone(pod: SeenPod): void;
  /** Nothing is heard any more until the next `onListed` or `onResumed`. */
  onLost(reason: string): void;
  /** Heard again, and nothing was missed. */
  onResumed(): void;
}>;

/** Every call ends in time, and throws `ClusterFault` (src/core/cluster-fault.ts). */
export type Cluster = Readonly<{
  createPod(manifest: Manifest): Promise<Creation>;
  createService(manifest: Manifest): Promise<Creation>;
  /** Whether the API server would take it now: a dry run, with every admission. Throws where not. */
  tryPod(manifest: Manifest): Promise<void>;
  /** `absent`: it is not there, or is not ours. With its Service. */
  deletePod(name: string): Promise<'deleted' | 'absent'>;
  /** Of all pods with our labels, from now until it is closed, through every interruption. */
  watch(watcher: Watcher): Readonly<{ close(): Promise<void> }>;
  /**
   * Takes or renews the `coordination.k8s.io` Lease of this name for so long. `false` where another holds it. Never true for
   * two holders at a time, as long as their clocks run at about the same speed.
   */
  holdLease(name: string, holder: string, durationMs: number): Promise<boolean>;
  /** Gives it up, where `holder` has it. */
  releaseLease(name: string, holder: string): Promise<void>;
  close(): Promise<void>;
}>;
