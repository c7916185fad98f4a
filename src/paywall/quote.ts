/** What one request costs: the rule's prices, raised where a trusted ingress wants more (`X-Required-Amount`, seed 004). */
import { LRUCache } from 'lru-cache';
import type { Account, CashuToken } from '../core/payment.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { type Answers, createAnswers } from './answer.ts';
import { type Challenge, type ChallengeOptions, createChallenge } from './challenge.ts';
import { type Offer, type Offers, offerFor } from './offer.ts';

/** The offer that a token is weighed against. */
export type Terms = Offer &
  Readonly<{
    /** Names what is bought: what was bought for less does not open what costs more. */
    purchase: string;
    answers: Answers;
  }>;

export type Quote = Readonly<{
  challenge: Challenge;
  termsFor(origin: CashuToken | Account): Terms | Refusal;
}>;

export type Quotes = (request: Pick<AuthRequest, 'requiredAmount'>) => Quote | Refusal;

const MOST_REMEMBERED = 64;

const createQuote = (purchase: string, offers: Offers, options: ChallengeOptions): Quote => {
  const challenge = createChallenge(offers, options);
  const terms = offers.map((offer) => ({ ...offer, purchase, answers: createAnswers(offer, challenge) }));
  return { challenge, termsFor: (origin) => offerFor(terms, origin) };
};

const wholeNumber = /^\d{1,16}$/;

const readAmount = (text: string): number | Refusal => {
  const amount = wholeNumber.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(amount)) return amount;
  return refuse('ambiguous_amount', 'X-Required-Amount is not one whole number. Expected an amount such as 5000.');
};

/** All prices rise in the proportion of the first, rounded up; undefined where one would be too large to be exact. */
const raise = (offers: Offers, required: number): Offers | undefined => {
  const [first, ...others] = offers;
  const raised = others.map((offer) => {
    const product = BigInt(offer.amount) * BigInt(required);
    return { ...offer, amount: Number((product + BigInt(first.amount) - 1n) / BigInt(first.amount)) };
  });
  return raised.every(({ amount }) => Number.isSafeInteger(amount))
    ? [{ ...first, amount: required }, ...raised]
    : undefined;
};

/** `rule` has no `@` in its name. */
export const createQuotes = (rule: string, offers: Offers, options: ChallengeOptions): Quotes => {
  const standard = createQuote(rule, offers, options);
  const raised = new LRUCache<number, Quote>({ max: MOST_REMEMBERED });

  const quoteRaised = (required: number): Quote | Refusal => {
    const dearer = raise(offers, required);
    if (!dearer) return refuse('ambiguous_amount', 'X-Required-Amount is too large.');
    const quote = createQuote(`${rule}@${required}`, dearer, options);
    raised.set(required, quote);
    return quote;
  };

  return ({ requiredAmount = '' }) => {
    if (requiredAmount === '') return standard;
    const required = readAmount(requiredAmount);
    if (isRefusal(required)) return required;
    return required <= offers[0].amount ? standard : (raised.get(required) ?? quoteRaised(required));
  };
};
