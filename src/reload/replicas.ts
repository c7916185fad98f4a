import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Replica, ReplicaStatus } from './status.ts';

/** The replicas of the service, as far as they know of each other. */
export type Replicas = Readonly<{
  /** Of this one. */
  id: string;
  /**
   * Begins to listen. `onNews` is called again and again with a generation that another replica has reached and the digest of
   * its file, for as long as the own status has not reached it. Gives the generation that all have, which is taken over.
   */
  start(own: ReplicaStatus, onNews: (generation: number, digest: string) => void): Promise<number | undefined>;
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
  start: async () => undefined,
  announce: async (own) => own + 1,
  tell: () => undefined,
  list: async () => ({ replicas: [], problem: undefined }),
  close: async () => undefined,
});
