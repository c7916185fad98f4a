/** What workers and their primary process say to each other: state that must hold for the whole service lives in one place. */
import type { Counter, Taken } from '../../checks/rate-limit.ts';
import type { Reason } from '../../reload/refused.ts';
import type { ReloadResult, ReplicaStatus, StatusReport } from '../../reload/status.ts';

export type Announcement = Readonly<{ address: string; port: number }>;

/** Where a service listens. */
export type Announced = Readonly<{
  main: Announcement;
  admin: Announcement | undefined;
  grpc: Announcement | undefined;
  resolver: Announcement | undefined;
  egress: Announcement | undefined;
  /** Where health, readiness and metrics have a listener of their own. */
  endpoints: Announcement | undefined;
}>;

/** `id` ties an answer to its question. */
export type FromWorker =
  | Readonly<{ kind: 'take'; id: number; counters: readonly Counter[]; count: boolean }>
  | Readonly<{ kind: 'metrics'; id: number }>
  /** As prom-client gives the metrics of a registry. */
  | Readonly<{ kind: 'counted'; id: number; metrics: readonly object[] }>
  | Readonly<{ kind: 'key_changed'; hash: string }>
  | Readonly<{ kind: 'recording' | 'reload' | 'report'; id: number }>
  /** To `prepare` and `commit`; with reasons it could not be done. */
  | Readonly<{ kind: 'answered'; id: number; reasons: readonly Reason[] }>
  | (Readonly<{ kind: 'ready' }> & Announced);

/** A recording holds secrets: it goes from process to process by their own channel, and nowhere else. */
export type FromPrimary =
  | Readonly<{ kind: 'recording'; id: number; recording: string; status: ReplicaStatus }>
  | Readonly<{ kind: 'prepare'; id: number; recording: string }>
  | Readonly<{ kind: 'commit' | 'discard' | 'count'; id: number }>
  | Readonly<{ kind: 'own_status'; status: ReplicaStatus }>
  | Readonly<{ kind: 'reloaded'; id: number; result: ReloadResult }>
  | Readonly<{ kind: 'report'; id: number; report: StatusReport }>
  | Readonly<{ kind: 'taken'; id: number; taken: Taken }>
  | Readonly<{ kind: 'metrics'; id: number; body: string }>
  | Readonly<{ kind: 'key_changed'; hash: string }>;
