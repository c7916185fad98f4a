import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Replica, ReplicaStatus } from './status.ts';

export type ReplicaEvents = Readonly<{
  /**
   * Called again and again with a generation that another replica has reached and the digest of its file, for as long as the
   * own status has not reached it.
   */
  onNews(generation: number, digest: string): void;
  /** What runs here has this number now: the one that all have, or one for what the others could not be told before. */
  onRenumbered(generation: number): void;
}>;

/** The replicas of the service, as far as they know of each other. */
export type Replicas = Readonly<{
  /** Of this one. */
  id: string;
  /** Begins to listen, and keeps nobody waiting. */
  start(own: ReplicaStatus, events: ReplicaEvents): void;
  /** Numbers a new generation and tells the others. While they cannot be reached it is numbered here, and they are told later. */
  announce(own: number, digest: string): Promise<number>;
  /** The own status has changed. */
  tell(own: ReplicaStatus): void;
  list(): Promise<Readonly<{ replicas: readonly Replica[]; problem: string | undefined }>>;
  close(): Promise<void>;
}>;

/** In Kubernetes the name of the pod; the rest tells processes on one machine apart. */
export const createReplicaId = (): string => `${hostname()}-${randomBytes(2).toString('hex')}`;

/** A service of one replica. */
export const alone = (id: string): Replicas => ({
  id,
  start: () => undefined,
  announce: async (own) => own + 1,
  tell: () => undefined,
  list: async () => ({ replicas: [], problem: undefined }),
  close: async () => undefined,
});
