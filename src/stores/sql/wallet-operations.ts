/** What our proofs are worth, where they are, and taking them out. */
import type {
  Balance,
  Export,
  OwnProof,
  OwnProofState,
  PaymentRecord,
  Written,
} from '../../paywall/wallet/proof-store.ts';
import type { RefundClaim } from '../../paywall/wallet/refund-store.ts';
import { balances } from './balances.ts';
import { holdProofs, holdsAtLeast } from './own-proofs.ts';
import { claimRefund } from './refund-operations.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

const columns = 'id, payment_id, keyset_id, amount, secret, c, state';

const toProof = (row: Row): OwnProof => ({
  id: text(row, 'id'),
  paymentId: text(row, 'payment_id'),
  keysetId: text(row, 'keyset_id'),
  amount: integer(row, 'amount'),
  secret: text(row, 'secret'),
  C: text(row, 'c'),
  state: text(row, 'state') as OwnProofState,
});

const toExport = (row: Row): Export => ({
  id: text(row, 'id'),
  mint: text(row, 'mint'),
  unit: text(row, 'unit'),
  amount: integer(row, 'amount'),
  createdAtMs: integer(row, 'created_at'),
});

const toRecord = (row: Row): PaymentRecord => ({
  id: text(row, 'id'),
  state: text(row, 'state') as PaymentRecord['state'],
  mint: text(row, 'mint'),
  unit: text(row, 'unit'),
  amount: integer(row, 'amount'),
  fee: optionalInteger(row, 'fee'),
  rule: text(row, 'rule'),
  createdAtMs: integer(row, 'created_at'),
  concludedAtMs: optionalInteger(row, 'concluded_at'),
});

export const walletOperations = {
  sumBalances: (transaction: Transaction, _: null): Promise<readonly Balance[]> => balances(transaction),

  async listProofs(
    transaction: Transaction,
    argument: { mint: string; unit: string; state: OwnProofState; after: string; limit: number },
  ): Promise<readonly OwnProof[]> {
    const { mint, unit, state, after, limit } = argument;
    const sql = `SELECT ${columns} FROM proofs WHERE mint = $1 AND unit = $2 AND state = $3 AND id > $4 ORDER BY id LIMIT $5`;
    return (await transaction.all(sql, [mint, unit, state, after, limit])).map(toProof);
  },

  async listUnspent(
    transaction: Transaction,
    { mint, unit }: { mint: string; unit: string },
  ): Promise<readonly Pick<OwnProof, 'id' | 'amount' | 'keysetId'>[]> {
    const sql = `SELECT id, amount, keyset_id FROM proofs WHERE mint = $1 AND unit = $2 AND state = 'unspent' ORDER BY id`;
    return (await transaction.all(sql, [mint, unit])).map((row) => ({
      id: text(row, 'id'),
      amount: integer(row, 'amount'),
      keysetId: text(row, 'keyset_id'),
    }));
  },

  async findProofs(transaction: Transaction, { ids }: { ids: readonly string[] }): Promise<readonly OwnProof[]> {
    const found: OwnProof[] = [];
    for (const id of ids) {
      const row = await transaction.first(`SELECT ${columns} FROM proofs WHERE id = $1`, [id]);
      if (row) found.push(toProof(row));
    }
    return found;
  },

  async exportProofs(
    transaction: Transaction,
    argument: { written: Written; token: string; ids: readonly string[]; refund: RefundClaim | undefined },
  ): Promise<boolean> {
    const { written, token, ids, refund } = argument;
    const { id, mint, unit, amount, createdAtMs } = written;
    if (!(await holdsAtLeast(transaction, mint, unit, written.heldAtLeast))) return false;
    if (!(await holdProofs(transaction, mint, unit, ids))) return false;
    if (refund && !(await claimRefund(transaction, refund, id))) return false;
    await transaction.run(
      'INSERT INTO exports (id, mint, unit, amount, token, created_at) VALUES ($1, $2, $3, $4, $5, $6)',
      [id, mint, unit, amount, token, createdAtMs],
    );
    for (const proofId of ids) {
      await transaction.run(`UPDATE proofs SET state = 'reserved', export_id = $2 WHERE id = $1`, [proofId, id]);
    }
    return true;
  },

  async listExports(transaction: Transaction, { limit }: { limit: number }): Promise<readonly Export[]> {
    const sql = 'SELECT id, mint, unit, amount, created_at FROM exports ORDER BY created_at DESC, id LIMIT $1';
    return (await transaction.all(sql, [limit])).map(toExport);
  },

  async findExport(
    transaction: Transaction,
    { id }: { id: string },
  ): Promise<(Export & Readonly<{ token: string }>) | undefined> {
    const row = await transaction.first('SELECT * FROM exports WHERE id = $1', [id]);
    return row && { ...toExport(row), token: text(row, 'token') };
  },

  async listUndelivered(transaction: Transaction, { prefix }: { prefix: string }): Promise<readonly string[]> {
    const sql = 'SELECT id FROM exports WHERE delivered_at IS NULL AND substr(id, 1, $1) = $2 ORDER BY created_at, id';
    return (await transaction.all(sql, [prefix.length, prefix])).map((row) => text(row, 'id'));
  },

  async markDelivered(transaction: Transaction, { id, nowMs }: { id: string; nowMs: number }): Promise<void> {
    await transaction.run('UPDATE exports SET delivered_at = $2 WHERE id = $1', [id, nowMs]);
  },

  async markProofsSpent(transaction: Transaction, { ids }: { ids: readonly string[] }): Promise<void> {
    for (const id of ids) {
      await transaction.run(`UPDATE proofs SET state = 'spent' WHERE id = $1 AND state = 'reserved'`, [id]);
    }
  },

  async listPayments(transaction: Transaction, { limit }: { limit: number }): Promise<readonly PaymentRecord[]> {
    const rows = await transaction.all(
      `SELECT payments.id, CASE WHEN unsettled.payment_id IS NULL THEN state ELSE 'accepted' END AS state,
          payments.mint, payments.unit, payments.amount, fee, rule, payments.created_at, concluded_at FROM payments
        LEFT JOIN swaps ON swaps.payment_id = payments.id AND swaps.number = payments.swap_number
        LEFT JOIN unsettled ON unsettled.payment_id = payments.id
        WHERE account_id IS NOT NULL
        ORDER BY payments.created_at DESC, payments.id LIMIT $1`,
      [limit],
    );
    return rows.map(toRecord);
  },
};
