/** The charge of a priced rule: a token becomes credit exactly once, and each request is debited from it. */
import type { CashuToken, Receipt } from '../core/payment.ts';
import { isRefusal, type Refusal, type RefusalCode } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Charge, Intent } from '../core/rule.ts';
import { claimsOf } from './claim.ts';
import type { Curve } from './curve/operations.ts';
import type { Claims, Ledger, Standing } from './ledger.ts';
import type { Mint } from './mint.ts';
import { heldOff, storeFailed, uncertain, uncertainUntil, unreachable } from './postponed.ts';
import { createPreparer, MintUnreachable, type Write } from './prepare.ts';
import type { Quotes, Terms } from './quote.ts';
import { repeatOf } from './repeat.ts';
import type { Settle } from './settlement.ts';

export type ChargeOptions = Readonly<{
  rule: string;
  quotes: Quotes;
  ledger: Ledger;
  mintOf: (url: string) => Mint | undefined;
  curve: Curve;
  settle: Settle;
  /** How long a caller is kept waiting; a redemption that was begun goes on. */
  patienceMs: number;
  /** How long the same question of a proxy is one request; 0 where clients may choose the proxy's request ids. */
  debitOnceWithinMs: number;
  /** Told of every worthless token. A source that sends many has none looked at any more that was not seen before. */
  throttle: Readonly<{ isOpen(source: string): boolean; recordFailure(source: string): void }>;
  now: () => number;
}>;

/** Tokens that were never money, or are not any more. */
const worthless: ReadonlySet<RefusalCode> = new Set(['payment_spent', 'payment_rejected', 'malformed_payment']);

type Order = Readonly<{ request: AuthRequest; claims: Claims; terms: Terms; intent: Intent; signal: AbortSignal }>;
type Outcome = Receipt | Refusal | undefined;

export const createCharge = (options: ChargeOptions): Charge => {
  const { rule, quotes, ledger, mintOf, curve, settle, patienceMs, debitOnceWithinMs, throttle, now } = options;
  const prepare = createPreparer({ rule, ledger, mintOf, curve, now });

  const present = ({ request, claims, terms, intent }: Order): Promise<Standing> => {
    const nowMs = now();
    const { purchase, amount, unit, buys } = terms;
    const debit = { rule: purchase, amount, unit, buys, nowMs, ...repeatOf(request, debitOnceWithinMs, nowMs) };
    return ledger.present(claims, debit, intent === 'enforce');
  };

  /** `write` is left out where the payment was written before. */
  const bring = async (order: Order, write: Write | undefined): Promise<Outcome> => {
    if (order.intent === 'preview') return write ? undefined : uncertain;
    const resolution = await settle(order.claims.paymentId, write, order.signal);
    if (resolution.resolution === 'uncertain') return uncertainUntil(resolution.untilMs, now());
    // Where nobody waits any more, nothing is taken from the credit for an answer that nobody hears.
    return order.signal.aborted ? uncertain : order.terms.answers.toStanding(await present(order));
  };

  const open = async (token: CashuToken, order: Order): Promise<Outcome> => {
    const standing = await present(order);
    switch (standing.standing) {
      case 'unknown': {
        if (!throttle.isOpen(order.request.clientIp)) return heldOff;
        const write = await prepare(token, order.claims, order.terms.answers.toWorth);
        return isRefusal(write) ? write : bring(order, write);
      }
      case 'prepared':
        return bring(order, undefined);
      case 'debited':
      case 'exhausted':
      case 'overlap':
      case 'rejected':
        return order.terms.answers.toStanding(standing);
    }
  };

  const openOrSayWhyNot = async (token: CashuToken, order: Order): Promise<Outcome> => {
    try {
      return await open(token, order);
    } catch (error) {
      return error instanceof MintUnreachable ? unreachable(error.cause) : storeFailed(error);
    }
  };

  /** The answer, or that there is none yet. */
  const openInTime = async (token: CashuToken, order: Omit<Order, 'claims' | 'signal'>): Promise<Outcome> => {
    const patience = new AbortController();
    const { promise: outOfPatience, resolve } = Promise.withResolvers<Refusal>();
    const timer = setTimeout(() => {
      patience.abort();
      resolve(uncertain);
    }, patienceMs);
    const whole = { ...order, claims: claimsOf(token), signal: patience.signal };
    const outcome = await Promise.race([openOrSayWhyNot(token, whole), outOfPatience]);
    clearTimeout(timer);
    return outcome;
  };

  return async (request, identity, intent) => {
    if (identity.method !== 'cashu') return undefined;
    const { token } = identity;
    const quote = quotes(request);
    if (isRefusal(quote)) return quote;
    const terms = quote.termsFor(token);
    if (isRefusal(terms)) return terms;
    const outcome = await openInTime(token, { request, terms, intent });
    if (isRefusal(outcome) && worthless.has(outcome.code) && intent === 'enforce') {
      throttle.recordFailure(request.clientIp);
    }
    return outcome;
  };
};
