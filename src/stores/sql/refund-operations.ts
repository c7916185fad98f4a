/** From an account's credit to a refund, and from a refund to the one token that is made for it. */
import type {
  Refund,
  RefundAsker,
  RefundClaim,
  RefundRequest,
  RefundStanding,
} from '../../paywall/wallet/refund-store.ts';
import { balanceOf, lockCredit } from './credits.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

const toRefund = (row: Row): Refund => ({
  id: text(row, 'id'),
  accountId: text(row, 'account_id'),
  mint: text(row, 'mint'),
  unit: text(row, 'unit'),
  amount: integer(row, 'amount'),
  exportId: row['export_id'] === null ? undefined : text(row, 'export_id'),
  createdAtMs: integer(row, 'created_at'),
});

type Account = Readonly<{ id: string; mint: string; unit: string; mayTake: boolean }>;

const accountOf = async (transaction: Transaction, id: string, mayTake: boolean): Promise<Account | undefined> => {
  const opener = await transaction.first('SELECT mint, unit FROM payments WHERE id = $1', [id]);
  return opener && { id, mint: text(opener, 'mint'), unit: text(opener, 'unit'), mayTake };
};

/** A session that is over takes nothing, but shows what was given before. */
const findAccount = async (
  transaction: Transaction,
  asker: RefundAsker,
  nowMs: number,
): Promise<Account | undefined> => {
  if ('paymentId' in asker) {
    const sql = `SELECT account_id FROM payments WHERE id = $1 AND state = 'settled'`;
    const payment = await transaction.first(sql, [asker.paymentId]);
    return payment && accountOf(transaction, text(payment, 'account_id'), true);
  }
  for (const idHash of asker.sessions) {
    const session = await transaction.first(
      `SELECT account_id, expires_at, revoked_at FROM sessions
        JOIN payments ON payments.id = sessions.payment_id WHERE id_hash = $1`,
      [idHash],
    );
    if (!session) continue;
    const isOpen = optionalInteger(session, 'revoked_at') === undefined && integer(session, 'expires_at') > nowMs;
    return accountOf(transaction, text(session, 'account_id'), isOpen);
  }
  return undefined;
};

/** Was accepted without asking its mint, which then refused it: what was credited for it never came in. */
const refusedAlone = 'SELECT payment_id FROM unsettled WHERE refused_at IS NOT NULL';

/** What the account was credited for payments that their mint refused. */
const unbackedFor = async (transaction: Transaction, accountId: string): Promise<number> => {
  const unbacked = await transaction.first(
    `SELECT COALESCE(SUM(swaps.credit), 0) AS credit FROM payments
      JOIN swaps ON swaps.payment_id = payments.id AND swaps.number = 1
      WHERE account_id = $1 AND payments.id IN (${refusedAlone})`,
    [accountId],
  );
  return unbacked ? integer(unbacked, 'credit') : 0;
};

/** Fees of the account's payments that were not taken from its credit, and not from an earlier refund. */
const borneFor = async (transaction: Transaction, accountId: string): Promise<number> => {
  const borne = await transaction.first(
    `SELECT COALESCE(SUM(swaps.credit - (payments.amount - swaps.fee)), 0) AS fee FROM payments
      JOIN swaps ON swaps.payment_id = payments.id AND swaps.number = COALESCE(payments.swap_number, 1)
      WHERE account_id = $1 AND state = 'settled' AND payments.id NOT IN (${refusedAlone})`,
    [accountId],
  );
  const taken = await transaction.first('SELECT COALESCE(SUM(fee), 0) AS fee FROM refunds WHERE account_id = $1', [
    accountId,
  ]);
  return (borne ? integer(borne, 'fee') : 0) - (taken ? integer(taken, 'fee') : 0);
};

/**
 * What a request has reserved may cost more yet, what was accepted without asking its mint is not ours yet, and the price of
 * a pod that is not there may come back.
 */
const isInUse = async (transaction: Transaction, accountId: string, nowMs: number): Promise<boolean> => {
  const sql = `SELECT 1 AS one WHERE
    EXISTS (SELECT 1 FROM uses WHERE payment_id = $1 AND reported IS NULL AND expires_at > $2)
    OR EXISTS (SELECT 1 FROM unsettled JOIN payments ON payments.id = unsettled.payment_id
      WHERE account_id = $1 AND refused_at IS NULL)
    OR EXISTS (SELECT 1 FROM pods WHERE account_id = $1 AND ended_at IS NULL AND stage = 'wanted')`;
  return (await transaction.first(sql, [accountId, nowMs])) !== undefined;
};

const heldAt = async (transaction: Transaction, { mint, unit }: Account): Promise<number> => {
  const held = await transaction.first(
    `SELECT COALESCE(SUM(amount), 0) AS amount FROM proofs WHERE mint = $1 AND unit = $2 AND state = 'unspent'`,
    [mint, unit],
  );
  return held ? integer(held, 'amount') : 0;
};

/** The latest that is not made yet, or that was made a short while ago. */
const findShown = async (transaction: Transaction, accountId: string, sinceMs: number): Promise<Refund | undefined> => {
  const row = await transaction.first(
    `SELECT * FROM refunds WHERE account_id = $1 AND (created_at > $2
      OR NOT EXISTS (SELECT 1 FROM exports WHERE exports.id = refunds.export_id))
      ORDER BY created_at DESC, id LIMIT 1`,
    [accountId, sinceMs],
  );
  return row && toRefund(row);
};

const take = async (
  transaction: Transaction,
  account: Account,
  { id, nowMs }: RefundRequest,
  { amount, fee, withheld }: Readonly<{ amount: number; fee: number; withheld: number }>,
): Promise<Refund> => {
  const { id: accountId, mint, unit } = account;
  await transaction.run('UPDATE credits SET balance = $2 WHERE payment_id = $1', [accountId, withheld]);
  await transaction.run(
    'INSERT INTO refunds (id, account_id, mint, unit, amount, fee, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
    [id, accountId, mint, unit, amount, fee, nowMs],
  );
  await transaction.run(
    `UPDATE sessions SET revoked_at = $2 WHERE revoked_at IS NULL
      AND payment_id IN (SELECT id FROM payments WHERE account_id = $1)`,
    [accountId, nowMs],
  );
  return { id, accountId, mint, unit, amount, exportId: undefined, createdAtMs: nowMs };
};

/** Says whether the refund's latest try is still `before`; then `exportId` is. */
export const claimRefund = async (
  transaction: Transaction,
  { refundId, before }: RefundClaim,
  exportId: string,
): Promise<boolean> => {
  const claimed = await transaction.run(
    `UPDATE refunds SET export_id = $2 WHERE id = $1 AND COALESCE(export_id, '') = $3`,
    [refundId, exportId, before ?? ''],
  );
  return claimed > 0;
};

export const refundOperations = {
  async requestRefund(transaction: Transaction, request: RefundRequest): Promise<RefundStanding> {
    const { asker, least, nowMs, shownSinceMs } = request;
    const account = await findAccount(transaction, asker, nowMs);
    if (!account) return { refund: 'unknown' };
    await lockCredit(transaction, account.id);
    const shown = await findShown(transaction, account.id, shownSinceMs);
    const balance = account.mayTake ? await balanceOf(transaction, account.id) : 0;
    const withheld = Math.min(balance, await unbackedFor(transaction, account.id));
    const fee = Math.min(balance - withheld, Math.max(0, await borneFor(transaction, account.id)));
    const amount = balance - withheld - fee;
    if (amount < Math.max(1, least)) {
      if (shown) return { refund: 'due', due: shown };
      return account.mayTake ? { refund: 'too-little', amount, withheld, unit: account.unit } : { refund: 'unknown' };
    }
    if (await isInUse(transaction, account.id, nowMs)) return { refund: 'in-use' };
    if ((await heldAt(transaction, account)) < amount) return { refund: 'not-held', mint: account.mint };
    return { refund: 'due', due: await take(transaction, account, request, { amount, fee, withheld }) };
  },

  async findRefund(transaction: Transaction, { id }: { id: string }): Promise<Refund | undefined> {
    const row = await transaction.first('SELECT * FROM refunds WHERE id = $1', [id]);
    return row && toRefund(row);
  },
};
