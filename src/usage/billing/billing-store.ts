/** Where sums of usage become events for the biller, and what became of each is kept. */
import type { SpooledLines } from '../spool.ts';
import type { UsageAdded } from '../usage-store.ts';
import type { BillingAssignment } from './assignment.ts';
import type { Caller } from './customer-store.ts';

export const reconcileReasons = [
  'unconfirmed',
  'too_old',
  'unknown_customer',
  'unknown_meter',
  'refused',
  'not_to_be_retried',
] as const;
/** Why a person has to look. `unconfirmed`: it was sent, nobody knows whether it was taken, and to send it again may bill twice. */
export type ReconcileReason = (typeof reconcileReasons)[number];

export type BillingState = 'waiting' | 'sent' | 'reconcile' | 'dropped' | 'dry';
export type Resolution = 'sent' | 'resend' | 'drop';

export type BillingEvent = Readonly<{
  /** What the biller knows it by: of two with one identifier, one counts. */
  id: string;
  /** Whose usage it is. */
  customer: string;
  /** Who is billed: the same, unless a person has said otherwise. */
  payer: string;
  meter: string;
  windowStartMs: number;
  windowMs: number;
  /** 1 for what was there when the window was closed; more for what came later. */
  sequence: number;
  value: number;
  /** Of the last usage in it. */
  atMs: number;
  state: BillingState;
  tries: number;
  /** Answers that decided nothing. */
  answers: number;
  /** The first try whose result is not known. */
  firstSentAtMs: number | undefined;
  reason: ReconcileReason | undefined;
  detail: string | undefined;
  createdAtMs: number;
}>;

export type SenderProblem = 'unauthorized' | 'unreachable' | 'rate_limited';

export type SenderState = Readonly<{
  /** Rounds without success since the last one with it. */
  failures: number;
  problem: SenderProblem | undefined;
  problemSinceMs: number | undefined;
  lastError: string | undefined;
  lastErrorAtMs: number | undefined;
  lastSentAtMs: number | undefined;
}>;

export type LeaseRequest = Readonly<{
  holder: string;
  nowMs: number;
  untilMs: number;
  /** Most events, each of another customer or meter. While there are failures, one. */
  limit: number;
  /** Events of before are not taken any more. */
  tooOldBeforeMs: number;
  /** Events sent first before that are not protected from counting twice any more. */
  unconfirmedBeforeMs: number;
}>;

/** Nobody else sends until the lease ends. `before`: as events were, without this try. */
export type BillingLease =
  | Readonly<{ lease: 'held' }>
  | Readonly<{ lease: 'taken'; events: readonly BillingEvent[]; sender: SenderState; reconciled: number }>;

export type Conclusion =
  | Readonly<{ id: string; became: 'sent' }>
  | Readonly<{ id: string; became: 'reconcile'; reason: ReconcileReason; detail: string }>
  /** `firstSentAtMs`: still nothing where it is certain that no try had an effect. */
  | Readonly<{ id: string; became: 'waiting'; nextAtMs: number; answered: boolean; firstSentAtMs: number | undefined }>;

export type RoundResult = Readonly<{
  holder: string;
  nowMs: number;
  /** Of the lease: who has an event under a later one decides on it. */
  untilMs: number;
  conclusions: readonly Conclusion[];
  /** Nobody sends before. */
  restUntilMs: number;
  problem: SenderProblem | undefined;
  error: string | undefined;
}>;

type Total = Readonly<{ count: number; value: number; oldestAtMs: number | undefined }>;

export type BillingTotals = Readonly<{
  /** Sums whose windows are open, or wait for late usage. */
  open: Total;
  waiting: Total;
  /** Of those. */
  sending: number;
  reconcile: Total;
  sender: SenderState;
}>;

export type EventPage = Readonly<{ state: BillingState; after: string | undefined; limit: number }>;

export type Resolved =
  | Readonly<{ resolved: 'done'; event: BillingEvent }>
  | Readonly<{ resolved: 'unknown' | 'not_open' }>;

export type BillingStore = Readonly<{
  /** Each once, and only of what is billable. What is no event is nobody's. */
  callersOf(lines: SpooledLines): Promise<readonly Caller[]>;
  /** As `UsageStore.add`, and puts what is new on bills in the same transaction. */
  add(lines: SpooledLines, assignment: BillingAssignment): Promise<UsageAdded>;
  /** Turns sums that are due into events, at most so many at once. Gives those that are dry, and whether there may be more. */
  close(
    nowMs: number,
    limit: number,
  ): Promise<Readonly<{ closed: number; dry: readonly BillingEvent[]; more: boolean }>>;
  lease(request: LeaseRequest): Promise<BillingLease>;
  conclude(result: RoundResult): Promise<void>;
  totals(nowMs: number): Promise<BillingTotals>;
  /** By id. */
  list(page: EventPage): Promise<readonly BillingEvent[]>;
  /** Of an event that needs reconciliation. `payer`: who is billed from here on. `freshAtMs`: instead of a time before `tooOldBeforeMs`. */
  resolve(request: ResolveRequest): Promise<Resolved>;
  /** Forgets what was concluded before, at most so many at once. Gives whether there is more. */
  forget(beforeMs: number, dryBeforeMs: number, limit: number): Promise<boolean>;
}>;

export type ResolveRequest = Readonly<{
  id: string;
  resolution: Resolution;
  payer: string | undefined;
  nowMs: number;
  tooOldBeforeMs: number;
}>;
