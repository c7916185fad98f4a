/** Everything that takes payments. Loaded only where the configuration names a mint, for the curve is heavy to import. */
import { randomUUID } from 'node:crypto';
import { normalizeMintUrl } from '@cashu/cashu-ts';
import type { Config, RuleConfig } from '../config/config.ts';
import { isRefusal } from '../core/refusal.ts';
import { createRounds } from '../core/rounds.ts';
import type { Identifier } from '../core/rule.ts';
import { createCashuIdentifier } from '../identify/cashu.ts';
import type { FailureThrottle } from '../identify/failure-throttle.ts';
import { createSessionIdentifier } from '../identify/session.ts';
import { pause } from '../pause.ts';
import { createCharge } from '../paywall/charge.ts';
import { openCurve } from '../paywall/curve/open.ts';
import type { Settler } from '../paywall/deferred/settler.ts';
import { createForgetting } from '../paywall/forgetting.ts';
import type { DuePayment, Outstanding, PreparedPayment, Revocation, UseReport } from '../paywall/ledger.ts';
import { pageHeaders, renderPage } from '../paywall/page/page.ts';
import { createQuotes } from '../paywall/quote.ts';
import { createRecentLedger } from '../paywall/recent-ledger.ts';
import { createRecovery, type Recovery } from '../paywall/recovery.ts';
import { createRedeemer } from '../paywall/redeem.ts';
import { createSessionEnd, createSessionFinder } from '../paywall/session.ts';
import { createSettlement } from '../paywall/settlement.ts';
import { createTokenReader } from '../paywall/token.ts';
import { type Collector, createCollector } from '../paywall/wallet/collector.ts';
import { createFinisher } from '../paywall/wallet/finish-spends.ts';
import type { Payout } from '../paywall/wallet/payout.ts';
import type { NewProof, Uncollected } from '../paywall/wallet/proof-store.ts';
import type { Refunded } from '../paywall/wallet/refund.ts';
import type { Spend } from '../paywall/wallet/spend-store.ts';
import { createSpender } from '../paywall/wallet/spender.ts';
import { createMintDirectory, type MintDirectory } from '../stores/mint/directory.ts';
import { createHttpLightning } from '../stores/mint/http-lightning.ts';
import type { Outbound } from '../stores/outbound/exchange.ts';
import { assembleDeferred, type DeferredEvents } from './deferred.ts';
import { assembleLedger, type LedgerStores } from './ledger.ts';
import { assembleLock } from './lock.ts';
import { assemblePayout } from './payout.ts';
import type { ProvisionFor } from './pod-terms.ts';
import { type AcceptedMints, offersOf } from './prices.ts';
import { assembleRefunds, type GiveBack } from './refunds.ts';
import { freeOf, type Paywall } from './rules.ts';

export type PaymentEvents = DeferredEvents &
  Readonly<{
    onConcluded(payment: PreparedPayment, result: 'settled' | 'rejected'): void;
    onUnsealed(): void;
    onOutstanding(outstanding: Outstanding): void;
    onRecovered(payment: DuePayment, result: 'settled' | 'rejected'): void;
    onCollected(payment: Uncollected, proofs: readonly NewProof[]): void;
    onCollectingPostponed(mint: string, error: unknown): void;
    onCollectingFailed(error: unknown): void;
    onRecoveryFailed(error: unknown): void;
    onForgettingFailed(error: unknown): void;
    onPayout(payout: Payout): void;
    onRefund(refunded: Exclude<Refunded, { refunded: 'refused' }>): void;
    onSpent(spend: Spend, result: 'settled' | 'failed', made: readonly NewProof[]): void;
    onSpendUncertain(spend: Spend, reason: string): void;
    onSpendingFailed(error: unknown): void;
    onWrongKeys(mint: string, keysetId: string): void;
  }>;

export type PaymentParts = Readonly<{
  config: Config;
  stores: LedgerStores;
  outbound: Outbound;
  throttle: FailureThrottle;
  /** In place of SHA-256 in hex, with the same result. */
  digest?: (credential: string) => string;
  now: () => number;
  events: PaymentEvents;
  /** Left out where payments start no pods. */
  provisionFor?: ProvisionFor | undefined;
}>;

type Background = Readonly<{ start(): void; close(): Promise<void> }>;

export type Payments = Readonly<{
  identifiers: Readonly<{ cashu: Identifier; session: Identifier }>;
  page: Readonly<{ render: typeof renderPage; headers: typeof pageHeaders }>;
  endSession(id: string): Promise<void>;
  /** By the id of a use that a request was given. */
  reportUse(useId: string, units: number): Promise<UseReport>;
  /** Of a payer, by the id of a payment; undefined where there is none. */
  revokeSessions(paymentId: string): Promise<Revocation | undefined>;
  mints: MintDirectory;
  recovery: Recovery;
  collector: Collector;
  settler: Settler;
  /** All that goes on beside the requests, in the order in which it starts. */
  background: readonly Background[];
  /** Why payments that were taken do not come to their end; undefined where they do. */
  problem(): string | undefined;
  /** Left out where nothing is given back. */
  refund: GiveBack | undefined;
  paywallFor(rule: RuleConfig): Paywall | undefined;
  close(): Promise<void>;
}>;

/** Less than the 10 s after which people give up, and than the 60 s after which nginx does. */
const PATIENCE_MS = 8_000;

/** Spends that were left in the middle are rare, and nobody waits for them. */
const FINISH_EVERY_MS = 5_000;

const mintsOf = ({ cashu }: Config): AcceptedMints => {
  const named = cashu.mints.filter(({ url }) => url !== '*');
  return {
    mints: named.map(({ url, units }) => ({ url: normalizeMintUrl(url), units })),
    anyMint: cashu.mints.find(({ url }) => url === '*')?.units,
  };
};

const unknownMint = (url: string): never => {
  throw new Error(`the mint ${url} is not in cashu.mints: name it again`);
};

export const assemblePayments = async (parts: PaymentParts): Promise<Payments> => {
  const { config, outbound, throttle, digest, now, events } = parts;
  const stores = await assembleLedger(config, parts.stores, events.onUnsealed);
  const { proofs, spends, refunds } = stores;
  const ledger = createRecentLedger(stores.ledger);
  const accepted = mintsOf(config);
  const { mints: named, anyMint } = accepted;
  const mints = createMintDirectory({
    mints: named,
    anyMint,
    outbound,
    now,
    timeoutMs: config.cashu.request_timeout,
    onWrongKeys: events.onWrongKeys,
  });
  const curve = await openCurve();
  const lock = assembleLock(config.cashu, curve);
  const { lockKey, unlock } = lock;
  const collector = createCollector({
    proofs,
    mintOf: mints.find,
    curve,
    now,
    pause,
    onCollected: events.onCollected,
    onPostponed: events.onCollectingPostponed,
    onFailed: events.onCollectingFailed,
  });
  const holder = randomUUID();
  const callMs = config.cashu.request_timeout;
  const lightningOf = (url: string) => createHttpLightning({ url, timeoutMs: callMs, outbound });
  const mintAt = (url: string) => mints.find(url) ?? unknownMint(url);
  const spend = createSpender({
    spends,
    mintOf: mints.find,
    lightningOf,
    curve,
    holder,
    callMs,
    now,
    onConcluded: events.onSpent,
    onUncertain: events.onSpendUncertain,
  });
  const redeem = createRedeemer({
    ledger,
    mintOf: mints.find,
    curve,
    holder,
    callMs,
    now,
    onConcluded(payment, result) {
      events.onConcluded(payment, result);
      if (result === 'settled') collector.wake();
    },
    onUncertain: events.onUncertain,
  });
  const settle = createSettlement(redeem);
  const { accept, settler } = assembleDeferred({
    cashu: config.cashu,
    stores,
    lock,
    curve,
    mintOf: mints.find,
    holder,
    now,
    pause,
    events: {
      ...events,
      onBatchSettled(batch) {
        events.onBatchSettled(batch);
        collector.wake();
      },
    },
  });

  const readToken = createTokenReader(mints.find, { maxProofs: config.cashu.max_proofs, lockKey, digest });

  const recovery = createRecovery({
    ledger,
    isAccepted: (mint) => mints.find(mint) !== undefined,
    settle,
    now,
    pause,
    random: Math.random,
    onOutstanding: events.onOutstanding,
    onRecovered: events.onRecovered,
    onStranded: events.onStranded,
    onFailed: events.onRecoveryFailed,
  });
  const forgetting = createForgetting({ ledger, now, pause, onFailed: events.onForgettingFailed });
  const spending = createRounds({
    everyMs: FINISH_EVERY_MS,
    run: createFinisher({ spends, spend, now }),
    pause,
    onFailed: events.onSpendingFailed,
  });
  const payout = assemblePayout({
    cashu: config.cashu,
    proofs,
    spends,
    spend,
    mintAt,
    lightningOf,
    isAccepted: (mint) => mints.find(mint) !== undefined,
    curve,
    outbound,
    now,
    pause,
    onPayout: events.onPayout,
    onFailed: events.onSpendingFailed,
  });

  return {
    identifiers: {
      cashu: createCashuIdentifier(readToken, throttle),
      session: createSessionIdentifier(createSessionFinder(ledger, now, digest), throttle),
    },
    mints,
    recovery,
    collector,
    settler,
    background: [recovery, collector, settler, forgetting, spending, ...(payout ? [payout] : [])],
    problem: () => recovery.problem() ?? settler.problem(),
    page: { render: renderPage, headers: pageHeaders },
    endSession: createSessionEnd(ledger, now),
    reportUse: (useId, units) => ledger.reportUse(useId, units, now()),
    revokeSessions: (paymentId) => ledger.revokeSessions(paymentId, now()),
    refund:
      config.cashu.refunds &&
      assembleRefunds({
        settings: config.cashu.refunds,
        refunds,
        proofs,
        spends,
        spend,
        mintAt,
        curve,
        readToken,
        throttle,
        closeSessions: (accountId) => ledger.revokeSessions(accountId, now()),
        now,
        onRefund: events.onRefund,
      }),
    close: curve.close,

    paywallFor(rule) {
      const offers = offersOf(rule, accepted);
      if (!offers) return undefined;
      const free = freeOf(rule);
      const quotes = createQuotes(rule.name, offers, {
        format: config.cashu.request_format,
        ...(free && { free }),
        ...(lockKey && { lockTo: lockKey.publicKey }),
      });
      const charge = createCharge({
        rule: rule.name,
        quotes,
        ledger,
        mintOf: mints.find,
        curve,
        unlock,
        settle,
        accept,
        patienceMs: PATIENCE_MS,
        debitOnceWithinMs: config.cashu.debit_once_within,
        sessionLifetimeMs: config.cashu.session_lifetime,
        throttle,
        now,
        provision: parts.provisionFor?.(rule),
      });
      return {
        invite(request) {
          const quote = quotes(request);
          return isRefusal(quote) ? quote : quote.challenge('payment_required');
        },
        charge,
      };
    },
  };
};
