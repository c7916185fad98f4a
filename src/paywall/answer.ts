/** What a payment's standing means for the request that presented it. */
import type { Account, CashuToken, Price, Receipt } from '../core/payment.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { Challenge } from './challenge.ts';
import type { Exhausted, Standing } from './ledger.ts';
import { uncertain } from './postponed.ts';
import type { Worth } from './worth.ts';

export type Answers = Readonly<{
  toStanding(standing: Standing): Receipt | Refusal;
  /** Undefined where the token, with what is on the account that it is added to, is worth the price. */
  toWorth(token: CashuToken, worth: Worth, account: Account | undefined): Refusal | undefined;
}>;

const overlap = refuse(
  'payment_overlap',
  'A part of this token belongs to another payment. Send the token that was sent then.',
);

const leftOf = ({ balance, unit, unitsLeft = 0 }: Exhausted): string => {
  const parts = [...(balance > 0 ? [`${balance} ${unit}`] : []), ...(unitsLeft > 0 ? [`${unitsLeft} units`] : [])];
  return parts.join(' and ');
};

export const createAnswers = (price: Price, challenge: Challenge): Answers => ({
  toStanding(standing) {
    switch (standing.standing) {
      case 'debited': {
        const { paymentId, balance, isRunning = false, use } = standing;
        return { paymentId, amount: price.amount, unit: price.unit, balance, isRunning, ...(use && { use }) };
      }
      case 'exhausted': {
        const left = leftOf(standing);
        const tooLittle = left === '' ? '' : `; ${left} are left, which is too little`;
        return challenge('credit_exhausted', `What was paid for is used up${tooLittle}.`);
      }
      case 'rejected':
        return refuse(standing.rejection.code, standing.rejection.detail);
      case 'overlap':
        return overlap;
      case 'prepared':
      case 'unknown':
        return uncertain;
    }
  },

  toWorth({ amount, unit }, { net, credit }, account) {
    // The mint swaps for nothing where its fee takes everything, whoever would bear it.
    const worth = net > 0 ? credit : 0;
    if (worth > 0 && worth + (account?.balance ?? 0) >= price.amount) return undefined;
    const afterFee = worth === amount ? '' : `, ${worth} after the mint’s fee`;
    const besides = account ? `, and ${account.balance} are left of what was paid before` : '';
    return challenge('insufficient_payment', `The token is worth ${amount} ${unit}${afterFee}${besides}.`);
  },
});
