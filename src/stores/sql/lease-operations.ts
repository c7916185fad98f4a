/** Who may act on a prepared payment, one at a time and each only for a while. */
import type { Lease, PreparedPayment, Swap } from '../../paywall/ledger.ts';
import { addSwap, swapsOf } from './swaps.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

const toPayment = (row: Row, swaps: readonly Swap[]): PreparedPayment => {
  const swap = swaps.at(-1);
  if (!swap) throw new Error(`the payment ${text(row, 'id')} has no swap`);
  return {
    id: text(row, 'id'),
    mint: text(row, 'mint'),
    unit: text(row, 'unit'),
    amount: integer(row, 'amount'),
    rule: text(row, 'rule'),
    createdAtMs: integer(row, 'created_at'),
    swap,
    earlier: swaps.slice(0, -1),
  };
};

/** The payment's row is locked first: what is read after it stays as it is until the end of the transaction. */
const lock = (transaction: Transaction, paymentId: string): Promise<number> =>
  transaction.run(`UPDATE payments SET tries = tries WHERE id = $1 AND state = 'prepared'`, [paymentId]);

export const leaseOperations = {
  /** Whoever takes it is about to post: should nothing be heard of them, that post has no answer. */
  async leasePayment(
    transaction: Transaction,
    { paymentId, holder, nowMs, untilMs }: { paymentId: string; holder: string; nowMs: number; untilMs: number },
  ): Promise<Lease> {
    if ((await lock(transaction, paymentId)) === 0) return { lease: 'concluded' };
    const before = await transaction.first('SELECT * FROM payments WHERE id = $1', [paymentId]);
    if (!before) return { lease: 'concluded' };
    const taken = await transaction.run(
      `UPDATE payments SET lease_holder = $2, lease_until = $3, unanswered_at = $4
        WHERE id = $1 AND state = 'prepared' AND (lease_holder = $2 OR lease_until <= $4)`,
      [paymentId, holder, untilMs, nowMs],
    );
    if (taken === 0) {
      const isHeld = before['lease_holder'] !== null;
      return isHeld ? { lease: 'held' } : { lease: 'resting', untilMs: integer(before, 'lease_until') };
    }
    return {
      lease: 'taken',
      payment: toPayment(before, await swapsOf(transaction, paymentId)),
      tries: integer(before, 'tries'),
      unansweredAtMs: optionalInteger(before, 'unanswered_at'),
    };
  },

  async releasePayment(
    transaction: Transaction,
    argument: { paymentId: string; holder: string; untilMs: number; unansweredAtMs: number | undefined },
  ): Promise<void> {
    const { paymentId, holder, untilMs, unansweredAtMs } = argument;
    await transaction.run(
      `UPDATE payments SET lease_holder = NULL, lease_until = $3, unanswered_at = $4, tries = tries + 1
        WHERE id = $1 AND state = 'prepared' AND lease_holder = $2`,
      [paymentId, holder, untilMs, unansweredAtMs ?? null],
    );
  },

  async replaceSwap(
    transaction: Transaction,
    { paymentId, holder, swap }: { paymentId: string; holder: string; swap: Omit<Swap, 'number'> },
  ): Promise<number | undefined> {
    await lock(transaction, paymentId);
    const held = await transaction.first(
      `SELECT 1 AS one FROM payments WHERE id = $1 AND state = 'prepared' AND lease_holder = $2`,
      [paymentId, holder],
    );
    return held ? addSwap(transaction, paymentId, swap) : undefined;
  },
};
