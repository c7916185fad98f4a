import type { Debit, Lease, PreparedPayment, Rejection, Standing } from '../../paywall/ledger.ts';
import type { BlindSignature } from '../../paywall/mint.ts';
import { drawOn } from './debit.ts';
import { integer, type Row, type Transaction, text } from './transaction.ts';

const toPreparedPayment = (row: Row): PreparedPayment => ({
  id: text(row, 'id'),
  mint: text(row, 'mint'),
  unit: text(row, 'unit'),
  amount: integer(row, 'amount'),
  fee: integer(row, 'fee'),
  credit: integer(row, 'credit'),
  swapBody: text(row, 'swap_body'),
  outputs: text(row, 'outputs'),
  rule: text(row, 'rule'),
  createdAtMs: integer(row, 'created_at'),
});

const placeholders = (count: number): string => Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ');

/** The payment that holds exactly these claims; `overlap` where it holds some of them, or others besides. */
const findPayment = async (
  transaction: Transaction,
  claims: readonly string[],
): Promise<Row | 'overlap' | undefined> => {
  const sql = `SELECT payment_id, COUNT(*) AS held FROM claims WHERE id IN (${placeholders(claims.length)}) GROUP BY payment_id`;
  const [holder, ...others] = await transaction.all(sql, claims);
  if (!holder) return undefined;
  if (others.length > 0 || integer(holder, 'held') !== claims.length) return 'overlap';
  const paymentId = text(holder, 'payment_id');
  const all = await transaction.first('SELECT COUNT(*) AS held FROM claims WHERE payment_id = $1', [paymentId]);
  if (!all || integer(all, 'held') !== claims.length) return 'overlap';
  return transaction.first('SELECT * FROM payments WHERE id = $1', [paymentId]);
};

export const ledgerOperations = {
  async presentClaims(
    transaction: Transaction,
    { claims, debit, commit }: { claims: readonly string[]; debit: Debit; commit: boolean },
  ): Promise<Standing> {
    const payment = await findPayment(transaction, claims);
    if (payment === undefined) return { standing: 'unknown' };
    if (payment === 'overlap') return { standing: 'overlap' };
    const state = text(payment, 'state');
    if (state === 'prepared') return { standing: 'prepared', payment: toPreparedPayment(payment) };
    if (state === 'rejected') return { standing: 'rejected', rejection: JSON.parse(text(payment, 'rejection')) };
    return drawOn(transaction, text(payment, 'id'), text(payment, 'unit'), debit, commit);
  },

  async preparePayment(
    transaction: Transaction,
    { payment, claims }: { payment: PreparedPayment; claims: readonly string[] },
  ): Promise<boolean> {
    const { id, mint, unit, amount, fee, credit, swapBody, outputs, rule, createdAtMs } = payment;
    const taken = await transaction.first(
      `SELECT 1 AS one FROM claims WHERE id IN (${placeholders(claims.length)}) LIMIT 1`,
      claims,
    );
    if (taken) return false;
    await transaction.run(
      `INSERT INTO payments
        (id, state, mint, unit, amount, fee, credit, swap_body, outputs, rule, lease_until, created_at)
        VALUES ($1, 'prepared', $2, $3, $4, $5, $6, $7, $8, $9, 0, $10)`,
      [id, mint, unit, amount, fee, credit, swapBody, outputs, rule, createdAtMs],
    );
    for (const claim of claims) {
      await transaction.run('INSERT INTO claims (id, payment_id) VALUES ($1, $2)', [claim, id]);
    }
    return true;
  },

  async leasePayment(
    transaction: Transaction,
    { paymentId, holder, nowMs, untilMs }: { paymentId: string; holder: string; nowMs: number; untilMs: number },
  ): Promise<Lease> {
    const taken = await transaction.run(
      `UPDATE payments SET lease_holder = $2, lease_until = $3
        WHERE id = $1 AND state = 'prepared' AND (lease_holder = $2 OR lease_until <= $4)`,
      [paymentId, holder, untilMs, nowMs],
    );
    if (taken > 0) return 'taken';
    const row = await transaction.first('SELECT state FROM payments WHERE id = $1', [paymentId]);
    return row && text(row, 'state') === 'prepared' ? 'held' : 'concluded';
  },

  async settlePayment(
    transaction: Transaction,
    { paymentId, signatures, nowMs }: { paymentId: string; signatures: readonly BlindSignature[]; nowMs: number },
  ): Promise<void> {
    const settled = await transaction.run(
      `UPDATE payments SET state = 'settled', signatures = $2, concluded_at = $3 WHERE id = $1 AND state = 'prepared'`,
      [paymentId, JSON.stringify(signatures), nowMs],
    );
    if (settled === 0) return;
    await transaction.run('INSERT INTO credits (payment_id, balance) SELECT id, credit FROM payments WHERE id = $1', [
      paymentId,
    ]);
  },

  async rejectPayment(
    transaction: Transaction,
    { paymentId, rejection, nowMs }: { paymentId: string; rejection: Rejection; nowMs: number },
  ): Promise<void> {
    await transaction.run(
      `UPDATE payments SET state = 'rejected', rejection = $2, concluded_at = $3 WHERE id = $1 AND state = 'prepared'`,
      [paymentId, JSON.stringify(rejection), nowMs],
    );
  },
};
