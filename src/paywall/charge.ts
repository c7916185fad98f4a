/** The charge of a priced rule: a token becomes credit exactly once, and each request is debited from it. */
import { type Eventually, whenReady } from '../core/eventually.ts';
import type { Identity } from '../core/identity.ts';
import type { Account, Receipt } from '../core/payment.ts';
import type { Provision } from '../core/pod.ts';
import { isRefusal, type Refusal, type RefusalCode } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Intent, PaymentCharge } from '../core/rule.ts';
import { claimsOf } from './claim.ts';
import type { Curve } from './curve/operations.ts';
import { createDebits } from './debits.ts';
import type { Accept } from './deferred/acceptor.ts';
import type { Claims, Presentation, Standing } from './ledger.ts';
import type { Mint } from './mint.ts';
import { heldOff, storeFailed, uncertain, uncertainUntil, unreachable } from './postponed.ts';
import { createPreparer, MintUnreachable } from './prepare.ts';
import type { Quote, Quotes, Terms } from './quote.ts';
import type { RecentLedger } from './recent-ledger.ts';
import type { Write } from './redeem.ts';
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
  /** What the rule starts for what it sells; left out where it starts nothing. */
  provision?: Provision | undefined;
  /** How long a caller is kept waiting for the mint, and after that for a pod as long as `provision` lets it; a redemption that was begun goes on. */
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
/** Undefined of a preview that cannot know. */
type Found = Standing | Refusal | undefined;

export const createCharge = (options: ChargeOptions): PaymentCharge => {
  const { rule, quotes, ledger, mintOf, curve, unlock, settle, accept, provision, patienceMs, throttle, now } = options;
  const sessions = createSessions();
  const debitOf = createDebits({ provision, debitOnceWithinMs: options.debitOnceWithinMs, now });
  const prepare = createPreparer({ rule, ledger, mintOf, curve, unlock, now });

  const offerTo = ({ token }: Payer) => sessions.offer(token, options.sessionLifetimeMs, now());

  const presentationOf = (order: Order): Presentation => {
    const { claims, payer, intent } = order;
    const offer = intent === 'preview' ? undefined : offerTo(payer);
    return { claims, debit: debitOf(order.request, order.terms), commit: intent === 'enforce', offer };
  };

  const present = (order: Order): Promise<Standing> => {
    const { claims, debit, commit, offer } = presentationOf(order);
    return ledger.present(claims, debit, commit, offer);
  };

  const sayOf = (standing: Standing, { answers }: Terms): Receipt | Refusal => {
    const problem = standing.standing === 'no_pod' && standing.why === 'cannot_start' && provision?.problem();
    return problem || answers.toStanding(standing, now());
  };

  const answerTo = (found: Found, { terms, intent }: Omit<Asked, 'request'>, payer?: Payer): Eventually<Outcome> => {
    if (found === undefined || isRefusal(found)) return found;
    const said = sayOf(found, terms);
    if (isRefusal(said) || found.standing !== 'debited') return said;
    const { session, pod } = found;
    const receipt = session && payer ? { ...said, session: sessions.tell(payer.token, session, now()) } : said;
    if (!pod || !provision || intent !== 'enforce') return receipt;
    return whenReady(provision.bring(pod), (brought) => (isRefusal(brought) ? brought : { ...receipt, pod: brought }));
  };

  /** `write` is left out where the payment was written before. */
  const bring = async (order: Order, write: Write | undefined): Promise<Found> => {
    if (order.intent === 'preview') return write ? undefined : uncertain;
    // Where nobody waits any more, nothing is taken from the credit for an answer that nobody hears.
    const presentIfAwaited = () => (order.signal.aborted ? undefined : presentationOf(order));
    const resolution = await settle(order.claims.paymentId, write, order.signal, presentIfAwaited);
    if (resolution.resolution === 'no_place') return resolution.noPod;
    if (resolution.resolution === 'uncertain') return uncertainUntil(resolution.untilMs, now());
    if (resolution.resolution === 'settled' && resolution.standing) return resolution.standing;
    return order.signal.aborted ? uncertain : present(order);
  };

  /** Without asking the mint; undefined where it has to be asked. */
  const acceptUnasked = async (order: Order): Promise<Standing | Refusal | undefined> => {
    const { payer, claims, request, terms, intent } = order;
    if (!accept || intent === 'preview') return undefined;
    const commit = intent === 'enforce';
    const { token, account } = payer;
    return accept({
      token,
      claims,
      rule,
      accountId: account?.id,
      debit: debitOf(request, terms),
      commit,
      offer: offerTo(payer),
    });
  };

  /** A token that is seen for the first time. */
  const take = async (order: Order): Promise<Found> => {
    const { payer, claims, request, terms } = order;
    const { token, account } = payer;
    // It could extend a pod only of an account that is there.
    const problem = account ? undefined : provision?.problem();
    if (problem) return problem;
    const write = await prepare({ token, claims, account, wants: debitOf(request, terms) }, terms.answers.toWorth);
    if (isRefusal(write)) return write;
    const accepted = await acceptUnasked(order);
    if (isRefusal(accepted)) return accepted;
    return accepted && accepted.standing !== 'prepared' ? accepted : bring(order, write);
  };

  const open = async (order: Order): Promise<Found> => {
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
        return standing;
    }
  };

  const openOrSayWhyNot = async (order: Order): Promise<Found> => {
    try {
      return await open(order);
    } catch (error) {
      return error instanceof MintUnreachable ? unreachable(error.cause) : storeFailed(error);
    }
  };

  /** The answer, or that there is none yet. */
  const openInTime = async (payer: Payer, claims: Claims, asked: Asked): Promise<Found> => {
    const patience = new AbortController();
    const { promise: outOfPatience, resolve } = Promise.withResolvers<Refusal>();
    const timer = setTimeout(() => {
      patience.abort();
      resolve(uncertain);
    }, patienceMs);
    const order = { ...asked, payer, claims, signal: patience.signal };
    const found = await Promise.race([openOrSayWhyNot(order), outOfPatience]);
    clearTimeout(timer);
    return found;
  };

  const redeem = async (payer: Payer, claims: Claims, asked: Asked): Promise<Outcome> => {
    const outcome = await answerTo(await openInTime(payer, claims, asked), asked, payer);
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
    const running = ledger.recallTimeOf(claims.paymentId, debitOf(request, terms));
    return running ? answerTo(running, asked, payer) : redeem(payer, claims, asked);
  };

  const draw = (account: Account, quote: Quote, request: AuthRequest, intent: Intent): Eventually<Outcome> => {
    const terms = quote.termsFor(account);
    if (isRefusal(terms)) return quote.challenge('payment_required', 'What the session holds does not pay here.');
    const asked = { request, terms, intent };
    const debit = debitOf(request, terms);
    const running = ledger.recallTime(account.id, debit);
    if (running) return answerTo(running, asked);
    const drawn: Promise<Found> = ledger.draw(account.id, debit, intent === 'enforce').catch(storeFailed);
    return drawn.then((found) => answerTo(found, asked));
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
