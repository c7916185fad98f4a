import type { Claims, NewLease, NewPayment, NoPod, Presentation, Rejection, Standing } from '../../paywall/ledger.ts';
import { settleBatch } from './batches.ts';
import { addClaims, findClaimant } from './claims.ts';
import { addCredit, lockCredit } from './credits.ts';
import { drawOn } from './debit.ts';
import { dropPlace, findPlace, keepPlace, placeOf } from './pod-places.ts';
import { grantSession } from './sessions.ts';
import { addSwap } from './swaps.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

const isForgiven = (payment: Row, nowMs: number): boolean => {
  const untilMs = optionalInteger(payment, 'rejected_until');
  return text(payment, 'state') === 'rejected' && untilMs !== undefined && untilMs <= nowMs;
};

const find = (transaction: Transaction, paymentId: string): Promise<Row | undefined> =>
  transaction.first('SELECT id, state, unit, account_id, rejection, rejected_until FROM payments WHERE id = $1', [
    paymentId,
  ]);

/** The claims of a payment whose credit is there. */
export const presentSettled = async (
  transaction: Transaction,
  accountId: string,
  unit: string,
  { claims, debit, commit, offer }: Presentation,
): Promise<Standing> => {
  // A debit does so itself.
  if (offer && !commit) await lockCredit(transaction, accountId);
  const drawn = await drawOn(transaction, accountId, unit, debit, commit);
  if (drawn.standing !== 'debited' || !offer) return drawn;
  return { ...drawn, session: await grantSession(transaction, claims.paymentId, offer, debit.nowMs) };
};

export const presentClaims = async (transaction: Transaction, argument: Presentation): Promise<Standing> => {
  const { claims, debit } = argument;
  const payment = await find(transaction, claims.paymentId);
  if (!payment || isForgiven(payment, debit.nowMs)) {
    const claimant = await findClaimant(transaction, claims);
    if (claimant === undefined) return { standing: 'unknown' };
    // Written by somebody else between the two looks.
    return { standing: claimant === claims.paymentId ? 'prepared' : 'overlap' };
  }
  const state = text(payment, 'state');
  if (state === 'prepared') return { standing: 'prepared' };
  if (state === 'rejected') return { standing: 'rejected', rejection: JSON.parse(text(payment, 'rejection')) };
  return presentSettled(transaction, text(payment, 'account_id'), text(payment, 'unit'), argument);
};

type Settlement = Readonly<{ paymentId: string; swapNumber: number; signatures: string; nowMs: number }>;

/** Once: where another has settled or rejected it, nothing. */
const credit = async (transaction: Transaction, { paymentId, swapNumber, signatures, nowMs }: Settlement) => {
  const settled = await transaction.run(
    `UPDATE payments SET state = 'settled', swap_number = $2, signatures = $3, concluded_at = $4, lease_holder = NULL
      WHERE id = $1 AND state = 'prepared'`,
    [paymentId, swapNumber, signatures, nowMs],
  );
  if (settled === 0) return;
  const swap = await transaction.first(
    `SELECT credit, account_id FROM swaps JOIN payments ON payments.id = swaps.payment_id
      WHERE swaps.payment_id = $1 AND number = $2`,
    [paymentId, swapNumber],
  );
  if (!swap) throw new Error(`the payment ${paymentId} has no swap ${swapNumber}`);
  // A batch opens no account: its payments have theirs.
  if (swap['account_id'] === null) await settleBatch(transaction, paymentId);
  else await addCredit(transaction, text(swap, 'account_id'), integer(swap, 'credit'));
};

export const ledgerOperations = {
  presentClaims,

  async preparePayment(
    transaction: Transaction,
    { payment, claims, lease }: { payment: NewPayment; claims: Claims; lease: NewLease | undefined },
  ): Promise<boolean | 'leased' | NoPod> {
    const { id, mint, unit, amount, rule, createdAtMs, accountId = id, wants } = payment;
    const before = await find(transaction, id);
    if (before && !isForgiven(before, createdAtMs)) return false;
    if ((await findClaimant(transaction, claims)) !== undefined) return false;
    const place = wants && placeOf(wants);
    const found = place && (await findPlace(transaction, accountId, place, createdAtMs));
    if (found && 'standing' in found) return found;
    const written = await transaction.run(
      `INSERT INTO payments (id, state, mint, unit, amount, rule, tries, created_at, account_id,
          lease_holder, lease_until, unanswered_at)
        VALUES ($1, 'prepared', $2, $3, $4, $5, 0, $6, $7, $8, $9, $10)
        ON CONFLICT (id) DO UPDATE SET state = 'prepared', rejection = NULL, rejected_until = NULL, concluded_at = NULL,
          rule = excluded.rule, account_id = excluded.account_id, created_at = excluded.created_at, lease_until = 0, tries = 0
          WHERE payments.state = 'rejected' AND payments.rejected_until <= excluded.created_at`,
      [
        ...[id, mint, unit, amount, rule, createdAtMs, accountId],
        ...[lease?.holder ?? null, lease?.untilMs ?? 0, lease ? createdAtMs : null],
      ],
    );
    if (written === 0) return false;
    if (place && found) await keepPlace(transaction, { paymentId: id, accountId }, place, found);
    const number = await addSwap(transaction, id, payment.swap);
    await addClaims(transaction, claims);
    return lease && !before && number === 1 ? 'leased' : true;
  },

  async settlePayment(
    transaction: Transaction,
    { presented, ...settlement }: Settlement & { presented: Presentation | undefined },
  ): Promise<Standing | undefined> {
    await credit(transaction, settlement);
    return presented && presentClaims(transaction, presented);
  },

  async rejectPayment(
    transaction: Transaction,
    argument: { paymentId: string; holder: string; rejection: Rejection; keepSwaps: boolean; nowMs: number },
  ): Promise<boolean> {
    const { paymentId, holder, rejection, keepSwaps, nowMs } = argument;
    const rejected = await transaction.run(
      `UPDATE payments
        SET state = 'rejected', rejection = $3, rejected_until = $4, concluded_at = $5, lease_holder = NULL
        WHERE id = $1 AND state = 'prepared' AND lease_holder = $2`,
      [paymentId, holder, JSON.stringify(rejection), rejection.untilMs ?? null, nowMs],
    );
    if (rejected === 0) return false;
    await transaction.run('DELETE FROM claims WHERE payment_id = $1', [paymentId]);
    await dropPlace(transaction, paymentId);
    if (keepSwaps) return true;
    await transaction.run('DELETE FROM swaps WHERE payment_id = $1', [paymentId]);
    await transaction.run('UPDATE payments SET unanswered_at = NULL WHERE id = $1', [paymentId]);
    return true;
  },
};
