/** What is done with an account whose session was presented. */
import type { Debit, Debited, Exhausted } from '../../paywall/ledger.ts';
import { drawOn } from './debit.ts';
import { type Transaction, text } from './transaction.ts';

export const accountOperations = {
  async drawOnAccount(
    transaction: Transaction,
    { accountId, debit, commit }: { accountId: string; debit: Debit; commit: boolean },
  ): Promise<Debited | Exhausted> {
    const opener = await transaction.first('SELECT unit FROM payments WHERE id = $1', [accountId]);
    if (!opener) throw new Error(`there is no account ${accountId}`);
    return drawOn(transaction, accountId, text(opener, 'unit'), debit, commit);
  },

  async revokeSessions(
    transaction: Transaction,
    { accountId, nowMs }: { accountId: string; nowMs: number },
  ): Promise<void> {
    await transaction.run(
      `UPDATE sessions SET revoked_at = $2
        WHERE revoked_at IS NULL AND payment_id IN (SELECT id FROM payments WHERE account_id = $1)`,
      [accountId, nowMs],
    );
  },
};
