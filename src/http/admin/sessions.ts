/** `DELETE /api/payments/:id/sessions`: an operator ends the sessions of a payer. */
import type { RouterContext } from '@koa/router';
import { refuse } from '../../core/refusal.ts';
import type { Revocation } from '../../paywall/ledger.ts';
import type { Outcome } from './outcome.ts';

export type RevokeSessions = (paymentId: string) => Promise<Revocation | undefined>;

export const createRevokeCall =
  (revokeSessions: RevokeSessions) =>
  async (context: RouterContext): Promise<Outcome> => {
    const payment = context.params['id'] ?? '';
    const revoked = await revokeSessions(payment);
    if (!revoked) return refuse('not_found', 'There is no payment of this id.');
    const { closed } = revoked;
    return { status: 200, body: { payment, closed }, change: { action: 'revoke_sessions', payment, closed } };
  };
