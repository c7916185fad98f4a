/** What is done with an account whose session was presented. */
import type { Debit, Debited, Exhausted, NoPod, Revocation } from '../../paywall/ledger.ts';
import { drawOn } from './debit.ts';
import { type Transaction, text } from './transaction.ts';

export const accountOperations = {
  async drawOnAccount(
    transaction: Transaction,
    { accountId, debit, commit }: { accountId: string; debit: Debit; commit: boolean },
  ): Promise<Debited | Exhausted | NoPod> {
    const opener = await transaction.first('SELECT unit FROM payments WHERE id = $1', [accountId]);
    if (!opener) throw new Error(`there is no account ${accountId}`);
    return drawOn(transaction, accountId, text(opener, 'unit'), debit, commit);
  },

  async revokeSessions(
    transaction: Transaction,
    { paymentId, nowMs }: { paymentId: string; nowMs: number },
  ): Promise<Revocation | undefined> {
    const payment = await transaction.first('SELECT account_id FROM payments WHERE id = $1', [paymentId]);
    if (!payment) return undefined;
    const accountId = text(payment, 'account_id');
    const closed = await transaction.run(
      `UPDATE sessions SET revoked_at = $2 WHERE revoked_at IS NULL AND expires_at > $2
        AND payment_id IN (SELECT id FROM payments WHERE account_id = $1)`,
      [accountId, nowMs],
    );
    return { accountId, closed };
  },
};
