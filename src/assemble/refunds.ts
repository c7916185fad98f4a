/** Refunds, where they are configured: what is shown is read, bounded and answered. */
import type { Config } from '../config/config.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { RefundDocument, RefundProof } from '../http/refund.ts';
import type { FailureThrottle } from '../identify/failure-throttle.ts';
import { claimsOf } from '../paywall/claim.ts';
import { hashOfSession } from '../paywall/session.ts';
import type { TokenReader } from '../paywall/token.ts';
import type { AttemptOptions } from '../paywall/wallet/export.ts';
import { createAttempt } from '../paywall/wallet/export.ts';
import { createRefunder, type Refunded } from '../paywall/wallet/refund.ts';
import type { RefundAsker, RefundRefused, RefundStore } from '../paywall/wallet/refund-store.ts';
import type { SpendStore } from '../paywall/wallet/spend-store.ts';

export type RefundParts = AttemptOptions &
  Readonly<{
    settings: NonNullable<Config['cashu']['refunds']>;
    refunds: RefundStore;
    spends: SpendStore;
    readToken: TokenReader;
    throttle: FailureThrottle;
    /** Closes the account's sessions wherever they are remembered. */
    closeSessions(accountId: string): Promise<unknown>;
    onRefund(refunded: Exclude<Refunded, { refunded: 'refused' }>): void;
  }>;

export type GiveBack = (shown: RefundProof) => Promise<RefundDocument | Refusal>;

/** Each may be a swap at the mint: payers are not to keep it from redemptions. */
const MOST_AT_ONCE = 4;

const retryAfter = (seconds: number) => ({ headers: { 'Retry-After': String(seconds) } });

const heldOff = refuse(
  'too_many_failures',
  'Too many unknown sessions and tokens came from this address.',
  retryAfter(60),
);

const tooMany = refuse('refund_pending', 'Many refunds are under way. Ask again.', retryAfter(2));

const waiting = refuse(
  'refund_pending',
  'What was left is taken from the account and will be given back: the mint has not confirmed it yet. Ask again the same way.',
  retryAfter(5),
);

const unknown = refuse('invalid_session', 'There is no such session, and no such token has paid here.');

const toRefusal = (standing: RefundRefused): Refusal => {
  switch (standing.refund) {
    case 'unknown':
      return unknown;
    case 'too-little': {
      const left = Math.max(0, standing.amount);
      const { withheld, unit } = standing;
      const refused = withheld > 0 ? ` ${withheld} ${unit} were credited for a token that its mint refuses.` : '';
      return refuse('nothing_to_refund', `${left} ${unit} are left after fees, which are not given back.${refused}`);
    }
    case 'in-use':
      return refuse(
        'refund_pending',
        'Requests or payments of this account are not settled yet. Ask again.',
        retryAfter(30),
      );
    case 'not-held':
      return refuse('refund_pending', 'The operator does not hold it now. It stays on the account.', retryAfter(300));
  }
};

export const assembleRefunds = (parts: RefundParts): GiveBack => {
  const { settings, readToken, throttle } = parts;
  const { least, shown_for: shownForMs } = settings;
  const giveBack = createRefunder({ ...parts, attempt: createAttempt(parts), least, shownForMs });
  let underWay = 0;

  const readAsker = async ({ sessions, token }: RefundProof): Promise<RefundAsker | Refusal> => {
    if (token === undefined) return { sessions: sessions.map(hashOfSession) };
    const read = await readToken(token);
    return isRefusal(read) ? read : { paymentId: claimsOf(read).paymentId };
  };

  const answer = async (asker: RefundAsker, clientIp: string): Promise<RefundDocument | Refusal> => {
    const refunded = await giveBack(asker);
    if (refunded.refunded === 'refused') {
      if (refunded.standing.refund === 'unknown') throttle.recordFailure(clientIp);
      return toRefusal(refunded.standing);
    }
    parts.onRefund(refunded);
    await parts.closeSessions(refunded.refund.accountId);
    if (refunded.refunded === 'waiting') return waiting;
    const { token, mint, unit, amount } = refunded.exported;
    return { token, mint, unit, amount };
  };

  return async (shown) => {
    if (!throttle.isOpen(shown.clientIp)) return heldOff;
    if (underWay >= MOST_AT_ONCE) return tooMany;
    underWay += 1;
    try {
      const asker = await readAsker(shown);
      return isRefusal(asker) ? asker : await answer(asker, shown.clientIp);
    } finally {
      underWay -= 1;
    }
  };
};
