/** What we spend ourselves: our proofs go to the mint, and others come back. */
import type { NewProof } from '../../paywall/wallet/proof-store.ts';
import type { RefundClaim } from '../../paywall/wallet/refund-store.ts';
import type {
  Melt,
  Proceeds,
  Spend,
  SpendKind,
  SpendLease,
  SpendRecord,
  SpendState,
} from '../../paywall/wallet/spend-store.ts';
import { type LeaseRelease, type LeaseRequest, releaseLease, takeLease } from './leases.ts';
import { holdProofs, holdsAtLeast, insertProofs, rowOfProof } from './own-proofs.ts';
import { claimRefund } from './refund-operations.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

const toMelt = (row: Row): Melt | undefined =>
  row['quote_id'] === null
    ? undefined
    : { quoteId: text(row, 'quote_id'), invoice: text(row, 'invoice'), payee: text(row, 'payee') };

const toOrder = (row: Row) => ({
  id: text(row, 'id'),
  kind: text(row, 'kind') as SpendKind,
  mint: text(row, 'mint'),
  unit: text(row, 'unit'),
  amount: integer(row, 'amount'),
  createdAtMs: integer(row, 'created_at'),
});

const toSpend = (row: Row): Spend => {
  const melt = toMelt(row);
  return {
    ...toOrder(row),
    body: text(row, 'body'),
    outputs: text(row, 'outputs'),
    sent: integer(row, 'sent'),
    ...(melt && { melt }),
  };
};

const toRecord = (row: Row): SpendRecord => ({
  ...toOrder(row),
  state: text(row, 'state') as SpendState,
  fee: optionalInteger(row, 'fee'),
  failure: row['failure'] === null ? undefined : text(row, 'failure'),
  payee: row['payee'] === null ? undefined : text(row, 'payee'),
});

const recordColumns = 'id, kind, mint, unit, amount, created_at, state, fee, failure, payee';

/** `$1`: an invoice, `$2`: who is paid. */
const findMelt = `SELECT ${recordColumns} FROM spends WHERE kind = 'melt'
  AND ((invoice = $1 AND state <> 'failed') OR (payee = $2 AND state = 'prepared')) LIMIT 1`;

/** Whether anything is under way: mostly it is not. */
export const findAnyPreparedSpend = `SELECT 1 AS one FROM spends WHERE state = 'prepared' LIMIT 1`;

export const spendOperations = {
  async prepareSpend(
    transaction: Transaction,
    argument: { spend: Spend; proofIds: readonly string[]; refund: RefundClaim | undefined },
  ): Promise<boolean> {
    const { spend, proofIds, refund } = argument;
    const { id, kind, mint, unit, amount, body, outputs, sent, createdAtMs, melt } = spend;
    if (melt && (await transaction.first(findMelt, [melt.invoice, melt.payee]))) return false;
    if (!(await holdsAtLeast(transaction, mint, unit, spend.heldAtLeast))) return false;
    if (!(await holdProofs(transaction, mint, unit, proofIds))) return false;
    if (refund && !(await claimRefund(transaction, refund, id))) return false;
    await transaction.run(
      `INSERT INTO spends (id, kind, state, mint, unit, amount, body, outputs, sent, lease_until, tries, created_at,
          quote_id, invoice, payee)
        VALUES ($1, $2, 'prepared', $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, $11, $12)`,
      [
        ...[id, kind, mint, unit, amount, body, outputs, sent, createdAtMs],
        ...[melt?.quoteId ?? null, melt?.invoice ?? null, melt?.payee ?? null],
      ],
    );
    for (const proofId of proofIds) {
      await transaction.run(`UPDATE proofs SET state = 'pending', spend_id = $2 WHERE id = $1`, [proofId, id]);
    }
    return true;
  },

  async leaseSpend(transaction: Transaction, asked: LeaseRequest): Promise<SpendLease> {
    const taken = await takeLease(transaction, 'spends', asked);
    if (taken.lease !== 'taken') return taken;
    const { before, ...lease } = taken;
    return { ...lease, spend: toSpend(before) };
  },

  releaseSpend: (transaction: Transaction, release: LeaseRelease): Promise<void> =>
    releaseLease(transaction, 'spends', release),

  async settleSpend(
    transaction: Transaction,
    { id, proceeds, nowMs }: { id: string; proceeds: Proceeds; nowMs: number },
  ): Promise<boolean> {
    const { made, token, fee } = proceeds;
    const settled = await transaction.run(
      `UPDATE spends SET state = 'settled', fee = $2, concluded_at = $3, lease_holder = NULL
        WHERE id = $1 AND state = 'prepared'`,
      [id, fee, nowMs],
    );
    const row = await transaction.first('SELECT * FROM spends WHERE id = $1', [id]);
    if (settled === 0 || !row) return false;
    const spend = toSpend(row);
    await transaction.run(`UPDATE proofs SET state = 'exchanged' WHERE spend_id = $1 AND state = 'pending'`, [id]);
    if (token !== undefined) {
      await transaction.run(
        'INSERT INTO exports (id, mint, unit, amount, token, created_at) VALUES ($1, $2, $3, $4, $5, $6)',
        [id, spend.mint, spend.unit, spend.amount, token, spend.createdAtMs],
      );
    }
    const rowOf = (proof: NewProof, index: number) => {
      const isSent = token !== undefined && index < spend.sent;
      return rowOfProof({ paymentId: id, ...spend }, proof, isSent ? id : undefined);
    };
    await insertProofs(transaction, made.map(rowOf));
    return true;
  },

  async failSpend(
    transaction: Transaction,
    argument: { id: string; holder: string; failure: string; lost: readonly string[]; nowMs: number },
  ): Promise<boolean> {
    const { id, holder, failure, lost, nowMs } = argument;
    const failed = await transaction.run(
      `UPDATE spends SET state = 'failed', failure = $3, concluded_at = $4, lease_holder = NULL
        WHERE id = $1 AND state = 'prepared' AND lease_holder = $2`,
      [id, holder, failure, nowMs],
    );
    if (failed === 0) return false;
    for (const proofId of lost) {
      await transaction.run(`UPDATE proofs SET state = 'lost' WHERE id = $1 AND spend_id = $2`, [proofId, id]);
    }
    await transaction.run(
      `UPDATE proofs SET state = 'unspent', spend_id = NULL WHERE spend_id = $1 AND state = 'pending'`,
      [id],
    );
    return true;
  },

  async findDueSpends(
    transaction: Transaction,
    { nowMs, limit }: { nowMs: number; limit: number },
  ): Promise<readonly Readonly<{ id: string; mint: string }>[]> {
    const rows = await transaction.all(
      `SELECT id, mint FROM spends WHERE state = 'prepared' AND lease_until <= $1 ORDER BY tries, lease_until LIMIT $2`,
      [nowMs, limit],
    );
    return rows.map((row) => ({ id: text(row, 'id'), mint: text(row, 'mint') }));
  },

  async listSpends(transaction: Transaction, { limit }: { limit: number }): Promise<readonly SpendRecord[]> {
    const sql = `SELECT ${recordColumns} FROM spends ORDER BY created_at DESC, id LIMIT $1`;
    return (await transaction.all(sql, [limit])).map(toRecord);
  },

  async findSpend(transaction: Transaction, { id }: { id: string }): Promise<SpendRecord | undefined> {
    const row = await transaction.first(`SELECT ${recordColumns} FROM spends WHERE id = $1`, [id]);
    return row && toRecord(row);
  },

  async findMelt(
    transaction: Transaction,
    { invoice, payee }: { invoice: string; payee: string },
  ): Promise<SpendRecord | undefined> {
    const row = await transaction.first(findMelt, [invoice, payee]);
    return row && toRecord(row);
  },
};
