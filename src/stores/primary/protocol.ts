/** What workers and their primary process say to each other: state that must hold for the whole service lives in one place. */
import type { Counter, Taken } from '../../checks/rate-limit.ts';

export type Announcement = Readonly<{ address: string; port: number }>;

/** Where a service listens. */
export type Announced = Readonly<{
  main: Announcement;
  admin: Announcement | undefined;
  grpc: Announcement | undefined;
  resolver: Announcement | undefined;
  egress: Announcement | undefined;
}>;

/** `id` ties an answer to its question. */
export type FromWorker =
  | Readonly<{ kind: 'take'; id: number; counters: readonly Counter[]; count: boolean }>
  | Readonly<{ kind: 'metrics'; id: number }>
  | Readonly<{ kind: 'key_changed'; hash: string }>
  | (Readonly<{ kind: 'ready' }> & Announced);

export type FromPrimary =
  | Readonly<{ kind: 'taken'; id: number; taken: Taken }>
  | Readonly<{ kind: 'metrics'; id: number; body: string }>
  | Readonly<{ kind: 'key_changed'; hash: string }>;
