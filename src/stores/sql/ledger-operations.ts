import type { Claims, Debit, NewLease, NewPayment, Rejection, SessionOffer, Standing } from '../../paywall/ledger.ts';
import { settleBatch } from './batches.ts';
import { addCredit, lockCredit } from './credits.ts';
import { drawOn } from './debit.ts';
import { grantSession } from './sessions.ts';
import { addSwap } from './swaps.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

const placeholders = (count: number, first = 1): string =>
  Array.from({ length: count }, (_, index) => `$${index + first}`).join(', ');

/** The payment of `$1`, or one that has one of so many claims that follow. */
export const findAnyKnown = (claims: number): string =>
  `SELECT 1 AS one FROM payments WHERE id = $1
    UNION ALL SELECT 1 FROM claims WHERE id IN (${placeholders(claims, 2)}) LIMIT 1`;

const isForgiven = (payment: Row, nowMs: number): boolean => {
  const untilMs = optionalInteger(payment, 'rejected_until');
  return text(payment, 'state') === 'rejected' && untilMs !== undefined && untilMs <= nowMs;
};

const find = (transaction: Transaction, paymentId: string): Promise<Row | undefined> =>
  transaction.first('SELECT id, state, unit, account_id, rejection, rejected_until FROM payments WHERE id = $1', [
    paymentId,
  ]);

/** A payment that has one of these proofs. */
export const findClaimant = async (transaction: Transaction, { ids }: Claims): Promise<string | undefined> => {
  const sql = `SELECT payment_id FROM claims WHERE id IN (${placeholders(ids.length)}) LIMIT 1`;
  const claim = await transaction.first(sql, ids);
  return claim && text(claim, 'payment_id');
};

export const ledgerOperations = {
  async presentClaims(
    transaction: Transaction,
    argument: { claims: Claims; debit: Debit; commit: boolean; offer: SessionOffer | undefined },
  ): Promise<Standing> {
    const { claims, debit, commit, offer } = argument;
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
    const accountId = text(payment, 'account_id');
    // A debit does so itself.
    if (offer && !commit) await lockCredit(transaction, accountId);
    const drawn = await drawOn(transaction, accountId, text(payment, 'unit'), debit, commit);
    if (drawn.standing !== 'debited' || !offer) return drawn;
    return { ...drawn, session: await grantSession(transaction, claims.paymentId, offer, debit.nowMs) };
  },

  async preparePayment(
    transaction: Transaction,
    { payment, claims, lease }: { payment: NewPayment; claims: Claims; lease: NewLease | undefined },
  ): Promise<boolean | 'leased'> {
    const { id, mint, unit, amount, rule, createdAtMs, accountId = id } = payment;
    const before = await find(transaction, id);
    if (before && !isForgiven(before, createdAtMs)) return false;
    if ((await findClaimant(transaction, claims)) !== undefined) return false;
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
    const number = await addSwap(transaction, id, payment.swap);
    for (const claim of claims.ids) {
      await transaction.run('INSERT INTO claims (id, payment_id) VALUES ($1, $2)', [claim, id]);
    }
    return lease && !before && number === 1 ? 'leased' : true;
  },

  async settlePayment(
    transaction: Transaction,
    argument: { paymentId: string; swapNumber: number; signatures: string; nowMs: number },
  ): Promise<void> {
    const { paymentId, swapNumber, signatures, nowMs } = argument;
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
    if (keepSwaps) return true;
    await transaction.run('DELETE FROM swaps WHERE payment_id = $1', [paymentId]);
    await transaction.run('UPDATE payments SET unanswered_at = NULL WHERE id = $1', [paymentId]);
    return true;
  },
};
