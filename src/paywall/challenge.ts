/** The 402: what it costs, in a form for people, for programs and for wallets (NUT-18, NUT-24). */
import { PaymentRequest } from '@cashu/cashu-ts';
import type { Price } from '../core/payment.ts';
import { type Refusal, type RefusalCode, refuse } from '../core/refusal.ts';

type ChallengeCode = Extract<RefusalCode, 'payment_required' | 'insufficient_payment' | 'credit_exhausted'>;

export type Challenge = (code: ChallengeCode, detail?: string) => Refusal;

const purchaseText = ({ buys }: Price): string => {
  if ('timeMs' in buys) return `${Math.round(buys.timeMs / 1000)} seconds of access`;
  return buys.requests === 1 ? 'one request' : `${buys.requests} requests`;
};

/** `mints`: the ones that take the price's unit. */
export const createChallenge = (price: Price, mints: readonly string[]): Challenge => {
  const request = new PaymentRequest([], undefined, price.amount, price.unit, [...mints]).toEncodedCreqA();
  const extras = {
    headers: { 'X-Cashu': request },
    members: { error: 'Payment Required', amount: price.amount, unit: price.unit, mints, request },
  };
  const invitation = `${price.amount} ${price.unit} buy ${purchaseText(price)}. Send a Cashu token in X-Cashu.`;
  const standard = refuse('payment_required', invitation, extras);
  return (code, detail) => (detail === undefined ? standard : refuse(code, `${detail} ${invitation}`, extras));
};
