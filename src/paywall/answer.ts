/** What a payment's standing means for the request that presented it. */
import type { CashuToken, Price, Receipt } from '../core/payment.ts';
import { perObject } from '../core/per-object.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { Challenge } from './challenge.ts';
import type { Debited, Exhausted, Standing } from './ledger.ts';
import { refuseNoPod } from './no-pod.ts';
import { uncertain } from './postponed.ts';
import type { Worth } from './worth.ts';

export type Answers = Readonly<{
  toStanding(standing: Standing, nowMs: number): Receipt | Refusal;
  /** `left`: on the account that the token is added to. Undefined where both together are worth the price. */
  toWorth(token: CashuToken, worth: Worth, left: number | undefined): Refusal | undefined;
}>;

const overlap = refuse(
  'payment_overlap',
  'A part of this token belongs to another payment. Send the token that was sent then.',
);

const leftOf = ({ balance, unit, unitsLeft = 0 }: Exhausted): string => {
  const parts = [...(balance > 0 ? [`${balance} ${unit}`] : []), ...(unitsLeft > 0 ? [`${unitsLeft} units`] : [])];
  return parts.join(' and ');
};

const createReceipts = ({ amount, unit }: Price): ((standing: Debited) => Receipt) => {
  const receiptOf = ({ paymentId, balance, runsUntilMs, use }: Debited): Receipt => {
    const isRunning = runsUntilMs !== undefined;
    return { paymentId, amount, unit, balance, isRunning, ...(use && { use }) };
  };
  const runningOf = perObject(receiptOf);
  // Time that runs is one object for as long as it is recalled; with a session it is told anew each time.
  return (standing) =>
    standing.runsUntilMs !== undefined && !standing.session ? runningOf(standing) : receiptOf(standing);
};

export const createAnswers = (price: Price, challenge: Challenge): Answers => {
  const receiptOf = createReceipts(price);
  return {
    toStanding(standing, nowMs) {
      switch (standing.standing) {
        case 'debited':
          return receiptOf(standing);
        case 'exhausted': {
          const left = leftOf(standing);
          const tooLittle = left === '' ? '' : `; ${left} are left, which is too little`;
          return challenge('credit_exhausted', `What was paid for is used up${tooLittle}.`);
        }
        case 'rejected':
          return refuse(standing.rejection.code, standing.rejection.detail);
        case 'overlap':
          return overlap;
        case 'no_pod':
          return refuseNoPod(standing, nowMs);
        case 'prepared':
        case 'unknown':
          return uncertain;
      }
    },

    toWorth({ amount, unit }, { net, credit }, left) {
      // The mint swaps for nothing where its fee takes everything, whoever would bear it.
      const worth = net > 0 ? credit : 0;
      if (worth > 0 && worth + (left ?? 0) >= price.amount) return undefined;
      const afterFee = worth === amount ? '' : `, ${worth} after the mint’s fee`;
      const besides = left === undefined ? '' : `, and ${left} are left of what was paid before`;
      return challenge('insufficient_payment', `The token is worth ${amount} ${unit}${afterFee}${besides}.`);
    },
  };
};
