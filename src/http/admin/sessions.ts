/** `DELETE /api/payments/:id/sessions`: an operator ends the sessions of a payer. */
import { z } from 'zod';
import { refuse } from '../../core/refusal.ts';
import type { Revocation } from '../../paywall/ledger.ts';
import { type Endpoint, endpoint } from './endpoint.ts';

export type RevokeSessions = (paymentId: string) => Promise<Revocation | undefined>;

const closedSessions = z.object({ payment: z.string(), closed: z.number().int().describe('How many were open.') });

export const createRevokeCall = (revokeSessions: RevokeSessions): Endpoint =>
  endpoint({
    method: 'DELETE',
    path: '/api/payments/:id/sessions',
    operation: 'revokeSessions',
    tag: 'Payments',
    summary: "End a payer's sessions.",
    params: { id: 'The id of one of their payments.' },
    answers: [{ status: 200, description: 'They are ended.', shape: closedSessions }],
    refusals: ['not_found'],
    async call({ param }) {
      const payment = param('id');
      const revoked = await revokeSessions(payment);
      if (!revoked) return refuse('not_found', 'There is no payment of this id.');
      const { closed } = revoked;
      return { status: 200, body: { payment, closed }, change: { action: 'revoke_sessions', payment, closed } };
    },
  });
