import { hash } from 'node:crypto';
import type {
  BillingEvent,
  BillingState,
  ReconcileReason,
  SenderProblem,
  SenderState,
} from '../../usage/billing/billing-store.ts';
import { integer, optionalInteger, type Row, text } from './transaction.ts';

const optionalText = <T extends string>(row: Row, column: string): T | undefined =>
  // A CHECK of the table, or what alone writes the column, says which words there are.
  row[column] === null ? undefined : (text(row, column) as T);

export const toBillingEvent = (row: Row): BillingEvent => ({
  id: text(row, 'id'),
  customer: text(row, 'customer'),
  payer: text(row, 'payer'),
  meter: text(row, 'meter'),
  windowStartMs: integer(row, 'window_start'),
  windowMs: integer(row, 'window_ms'),
  sequence: integer(row, 'sequence'),
  value: integer(row, 'value'),
  atMs: integer(row, 'at_ms'),
  state: text(row, 'state') as BillingState,
  tries: integer(row, 'tries'),
  answers: integer(row, 'answers'),
  firstSentAtMs: optionalInteger(row, 'first_sent_at'),
  reason: optionalText<ReconcileReason>(row, 'reason'),
  detail: optionalText(row, 'detail'),
  createdAtMs: integer(row, 'created_at'),
});

export const noSender: SenderState = {
  failures: 0,
  problem: undefined,
  problemSinceMs: undefined,
  lastError: undefined,
  lastErrorAtMs: undefined,
  lastSentAtMs: undefined,
};

export const toSenderState = (row: Row): SenderState => ({
  failures: integer(row, 'failures'),
  problem: optionalText<SenderProblem>(row, 'problem'),
  problemSinceMs: optionalInteger(row, 'problem_since'),
  lastError: optionalText(row, 'last_error'),
  lastErrorAtMs: optionalInteger(row, 'last_error_at'),
  lastSentAtMs: optionalInteger(row, 'last_sent_at'),
});

type Named = Pick<BillingEvent, 'customer' | 'meter' | 'windowStartMs' | 'windowMs' | 'sequence'>;

/**
 * The same for the same event of the same installation, and of no other: at most 100 characters, as Stripe takes them.
 * Begins with when and which, for people.
 */
export const identifierOf = (installation: string, event: Named): string => {
  const { customer, meter, windowStartMs, windowMs, sequence } = event;
  const all = JSON.stringify([installation, customer, meter, windowStartMs, windowMs, sequence]);
  const start = new Date(windowStartMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return `sp_${start}_${sequence}_${hash('sha256', all, 'hex').slice(0, 40)}`;
};
