/** Who is told what is to be billed. */
import type { BillingEvent, ReconcileReason } from './billing-store.ts';

export type SinkAnswer =
  /** Or it had it already. */
  | Readonly<{ answer: 'accepted' }>
  /** For good, as it is. */
  | Readonly<{ answer: 'refused'; reason: ReconcileReason; detail: string }>
  /** Certainly without effect. `busy`: this one; the others: all. */
  | Readonly<{
      answer: 'not_taken';
      why: 'unauthorized' | 'rate_limited' | 'unreachable' | 'busy';
      detail: string;
      retryAfterMs?: number | undefined;
    }>
  /** `answered`: by an answer that says nothing of it, and would be given again to the same call. */
  | Readonly<{ answer: 'unclear'; answered: boolean; detail: string; retryAfterMs?: number | undefined }>;

export type BillingSink = Readonly<{
  /** Never throws, and ends within the time it was made with. */
  send(event: BillingEvent): Promise<SinkAnswer>;
}>;
