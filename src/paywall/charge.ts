/** The charge of a priced rule: a token becomes credit exactly once, and each request is debited from it. */
import { randomBytes } from 'node:crypto';
import type { Eventually } from '../core/eventually.ts';
import type { Identity } from '../core/identity.ts';
import type { Account, Receipt } from '../core/payment.ts';
import { isRefusal, type Refusal, type RefusalCode } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Intent, PaymentCharge } from '../core/rule.ts';
import { claimsOf } from './claim.ts';
import type { Curve } from './curve/operations.ts';
import type { Accept } from './deferred/acceptor.ts';
import type { Claims, Debit, Presentation, Standing } from './ledger.ts';
import type { Mint } from './mint.ts';
import { heldOff, storeFailed, uncertain, uncertainUntil, unreachable } from './postponed.ts';
import { createPreparer, MintUnreachable } from './prepare.ts';
import type { Quote, Quotes, Terms } from './quote.ts';
import type { RecentLedger } from './recent-ledger.ts';
import type { Write } from './redeem.ts';
import { repeatOf } from './repeat.ts';
import { createSessions } from './session.ts';
import type { Settle } from './settlement.ts';
import type { Unlock } from './unlock.ts';

export type ChargeOptions = Readonly<{
  rule: string;
  quotes: Quotes;
  ledger: RecentLedger;
  mintOf: (url: string) => Mint | undefined;
  curve: Curve;
  unlock: Unlock;
  settle: Settle;
  /** Left out where every mint is asked. */
  accept?: Accept | undefined;
  /** How long a caller is kept waiting; a redemption that was begun goes on. */
  patienceMs: number;
  /** How long the same question of a proxy is one request; 0 where clients may choose the proxy's request ids. */
  debitOnceWithinMs: number;
  sessionLifetimeMs: number;
  /** Told of every worthless token. A source that sends many has none looked at any more that was not seen before. */
  throttle: Readonly<{ isOpen(source: string): boolean; recordFailure(source: string): void }>;
  now: () => number;
}>;

/** Tokens that were never money, or are not any more. */
const worthless: ReadonlySet<RefusalCode> = new Set(['payment_spent', 'payment_rejected', 'malformed_payment']);

const unknown: Standing = { standing: 'unknown' };

type Payer = Extract<Identity, { method: 'cashu' }>;
type Asked = Readonly<{ request: AuthRequest; terms: Terms; intent: Intent }>;
type Order = Asked & Readonly<{ payer: Payer; claims: Claims; signal: AbortSignal }>;
type Outcome = Receipt | Refusal | undefined;

export const createCharge = (options: ChargeOptions): PaymentCharge => {
  const { rule, quotes, ledger, mintOf, curve, unlock, settle, accept, patienceMs, throttle, now } = options;
  const sessions = createSessions();
  const prepare = createPreparer({ rule, ledger, mintOf, curve, unlock, now });

  const debitOf = ({ request, terms }: Asked): Debit => {
    const nowMs = now();
    const { purchase, amount, unit, buys } = terms;
    const wanted = 'units' in buys ? { ...buys, useId: `use_${randomBytes(16).toString('hex')}` } : buys;
    return {
      rule: purchase,
      amount,
      unit,
      buys: wanted,
      nowMs,
      ...repeatOf(request, options.debitOnceWithinMs, nowMs),
    };
  };

  const offerTo = ({ token }: Payer) => sessions.offer(token, options.sessionLifetimeMs, now());

  const presentationOf = (order: Order): Presentation => {
    const { claims, payer, intent } = order;
    const offer = intent === 'preview' ? undefined : offerTo(payer);
    return { claims, debit: debitOf(order), commit: intent === 'enforce', offer };
  };

  const present = (order: Order): Promise<Standing> => {
    const { claims, debit, commit, offer } = presentationOf(order);
    return ledger.present(claims, debit, commit, offer);
  };

  const answerTo = (standing: Standing, { payer, terms }: Pick<Order, 'payer' | 'terms'>): Outcome => {
    const outcome = terms.answers.toStanding(standing, now());
    if (isRefusal(outcome) || standing.standing !== 'debited' || !standing.session) return outcome;
    return { ...outcome, session: sessions.tell(payer.token, standing.session, now()) };
  };

  /** `write` is left out where the payment was written before. */
  const bring = async (order: Order, write: Write | undefined): Promise<Outcome> => {
    if (order.intent === 'preview') return write ? undefined : uncertain;
    // Where nobody waits any more, nothing is taken from the credit for an answer that nobody hears.
    const presentIfAwaited = () => (order.signal.aborted ? undefined : presentationOf(order));
    const resolution = await settle(order.claims.paymentId, write, order.signal, presentIfAwaited);
    if (resolution.resolution === 'uncertain') return uncertainUntil(resolution.untilMs, now());
    if (resolution.resolution === 'settled' && resolution.standing) return answerTo(resolution.standing, order);
    return order.signal.aborted ? uncertain : answerTo(await present(order), order);
  };

  /** Without asking the mint; undefined where it has to be asked. */
  const acceptUnasked = async (order: Order): Promise<Standing | Refusal | undefined> => {
    const { payer, claims, intent } = order;
    if (!accept || intent === 'preview') return undefined;
    const commit = intent === 'enforce';
    const { token, account } = payer;
    return accept({
      token,
      claims,
      rule,
      accountId: account?.id,
      debit: debitOf(order),
      commit,
      offer: offerTo(payer),
    });
  };

  /** A token that is seen for the first time. */
  const take = async (order: Order): Promise<Outcome> => {
    const { token, account } = order.payer;
    const write = await prepare(token, order.claims, order.terms.answers.toWorth, account);
    if (isRefusal(write)) return write;
    const accepted = await acceptUnasked(order);
    if (isRefusal(accepted)) return accepted;
    return accepted && accepted.standing !== 'prepared' ? answerTo(accepted, order) : bring(order, write);
  };

  const open = async (order: Order): Promise<Outcome> => {
    const standing = (await ledger.isKnown(order.claims)) ? await present(order) : unknown;
    switch (standing.standing) {
      case 'unknown':
        return throttle.isOpen(order.request.clientIp) ? take(order) : heldOff;
      case 'prepared':
        return bring(order, undefined);
      case 'debited':
      case 'exhausted':
      case 'overlap':
      case 'rejected':
      case 'no_pod':
        return answerTo(standing, order);
    }
  };

  const openOrSayWhyNot = async (order: Order): Promise<Outcome> => {
    try {
      return await open(order);
    } catch (error) {
      return error instanceof MintUnreachable ? unreachable(error.cause) : storeFailed(error);
    }
  };

  /** The answer, or that there is none yet. */
  const openInTime = async (payer: Payer, claims: Claims, asked: Asked): Promise<Outcome> => {
    const patience = new AbortController();
    const { promise: outOfPatience, resolve } = Promise.withResolvers<Refusal>();
    const timer = setTimeout(() => {
      patience.abort();
      resolve(uncertain);
    }, patienceMs);
    const order = { ...asked, payer, claims, signal: patience.signal };
    const outcome = await Promise.race([openOrSayWhyNot(order), outOfPatience]);
    clearTimeout(timer);
    return outcome;
  };

  const redeem = async (payer: Payer, claims: Claims, asked: Asked): Promise<Outcome> => {
    const outcome = await openInTime(payer, claims, asked);
    if (isRefusal(outcome) && worthless.has(outcome.code) && asked.intent !== 'preview') {
      throttle.recordFailure(asked.request.clientIp);
    }
    return outcome;
  };

  const pay = (payer: Payer, quote: Quote, request: AuthRequest, intent: Intent): Eventually<Outcome> => {
    const terms = quote.termsFor(payer.token);
    if (isRefusal(terms)) return terms;
    const asked = { request, terms, intent };
    const claims = claimsOf(payer.token);
    const running = ledger.recallTimeOf(claims.paymentId, debitOf(asked));
    return running ? answerTo(running, { payer, terms }) : redeem(payer, claims, asked);
  };

  const draw = (account: Account, quote: Quote, request: AuthRequest, intent: Intent): Eventually<Outcome> => {
    const terms = quote.termsFor(account);
    if (isRefusal(terms)) return quote.challenge('payment_required', 'What the session holds does not pay here.');
    const debit = debitOf({ request, terms, intent });
    const running = ledger.recallTime(account.id, debit);
    if (running) return terms.answers.toStanding(running, now());
    return ledger
      .draw(account.id, debit, intent === 'enforce')
      .then((standing) => terms.answers.toStanding(standing, now()), storeFailed);
  };

  return (request, identity, intent) => {
    if (identity.method !== 'cashu' && identity.method !== 'session') return undefined;
    const quote = quotes(request);
    if (isRefusal(quote)) return quote;
    return identity.method === 'cashu'
      ? pay(identity, quote, request, intent)
      : draw(identity.account, quote, request, intent);
  };
};
