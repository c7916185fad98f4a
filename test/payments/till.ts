/** The whole paywall in this process, between a real mint over HTTP and a real database, with a clock in hand. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { Amount, OutputData, type Proof, type SerializedOutputData } from '@cashu/cashu-ts';
import { assembleDeferred } from '../../src/assemble/deferred.ts';
import { assembleLock } from '../../src/assemble/lock.ts';
import { payer, sessionHolder } from '../../src/core/identity.ts';
import type { Account, Price, Receipt } from '../../src/core/payment.ts';
import type { Provision } from '../../src/core/pod.ts';
import { isRefusal, type Refusal } from '../../src/core/refusal.ts';
import type { AuthRequest } from '../../src/core/request.ts';
import type { Intent } from '../../src/core/rule.ts';
import { Secret } from '../../src/core/secret.ts';
import { createCharge } from '../../src/paywall/charge.ts';
import { openCurve } from '../../src/paywall/curve/open.ts';
import type { Curve } from '../../src/paywall/curve/operations.ts';
import type { DeferredLedger, RefusedSum } from '../../src/paywall/deferred/deferred-ledger.ts';
import type { Settler } from '../../src/paywall/deferred/settler.ts';
import type { Ledger } from '../../src/paywall/ledger.ts';
import type { BlindSignature, Mint } from '../../src/paywall/mint.ts';
import { createQuotes } from '../../src/paywall/quote.ts';
import { createRecentLedger } from '../../src/paywall/recent-ledger.ts';
import { createRedeemer } from '../../src/paywall/redeem.ts';
import { createSettlement, type Settle } from '../../src/paywall/settlement.ts';
import { createTokenReader } from '../../src/paywall/token.ts';
import type { LightningMint } from '../../src/paywall/wallet/lightning.ts';
import type { ProofStore } from '../../src/paywall/wallet/proof-store.ts';
import type { SpendStore } from '../../src/paywall/wallet/spend-store.ts';
import type { PodStore } from '../../src/pods/pod-store.ts';
import { createMintDirectory } from '../../src/stores/mint/directory.ts';
import { createHttpLightning } from '../../src/stores/mint/http-lightning.ts';
import { createOutbound } from '../../src/stores/outbound/exchange.ts';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { createWorkdir } from '../servers/workdir.ts';

export type TillOptions = Readonly<{
  mints: readonly (string | Readonly<{ url: string; units: readonly string[] }>)[];
  /** By rule. */
  prices?: Readonly<Record<string, Price>>;
  /** What a rule starts, by rule. */
  provisions?: Readonly<Record<string, Provision>>;
  /** Of the key that tokens may be locked to, in hex. */
  lock?: Readonly<{ privateKey: string; isRequired?: boolean }>;
  /** Locked tokens are accepted without asking the mints, up to so much in sat at each. */
  maxUnsettled?: number;
  settleEveryMs?: number;
  timeoutMs?: number;
  patienceMs?: number;
  debitOnceWithinMs?: number;
  /** Of another till, to share its ledger. */
  directory?: string;
  clock?: Clock;
}>;

export type Clock = { nowMs: number };

/** What the request is about; by default always the same, as told by a proxy that makes no ids. */
export type About = Partial<Omit<AuthRequest, 'header' | 'findHeaderName'>>;

/** `account`: of a session that came with the token. */
type PaidBeside = About & Readonly<{ account?: Account }>;

export type Till = Readonly<{
  directory: string;
  clock: Clock;
  /** Presents a token as a request would. */
  pay(token: string, rule?: string, intent?: Intent, about?: PaidBeside): Promise<Receipt | Refusal | undefined>;
  /** Presents a session of an account. */
  draw(account: Account, rule?: string, intent?: Intent): Promise<Receipt | Refusal | undefined>;
  /** The same in a word: `paid`, `free`, or the refusal's code. */
  ask(token: string, rule?: string, intent?: Intent, about?: PaidBeside): Promise<string>;
  /** All credit that was ever given, in sat. */
  credited(): number;
  /** The proofs that our outputs and the mint's signatures make, by the mint's public keys. */
  earned(keysOf: (id: string) => Readonly<Record<string, string>>): Proof[];
  reasons: string[];
  concluded: string[];
  ledger: Ledger;
  settle: Settle;
  proofs: ProofStore;
  spends: SpendStore;
  pods: PodStore;
  deferred: DeferredLedger;
  settler: Settler;
  /** What mints refused of what was accepted without asking them. */
  refused: RefusedSum[];
  curve: Curve;
  mintOf(url: string): Mint | undefined;
  lightningOf(url: string): LightningMint;
  close(): Promise<void>;
}>;

/** Of accepted payments. */
export const SETTLE_EVERY_MS = 10_000;

const fallback: Price = { amount: 8, unit: 'sat', buys: { requests: 1 } };

const standard: AuthRequest = {
  id: 'request-1',
  method: 'GET',
  scheme: 'https',
  host: 'shop.example.com',
  path: '/premium/1',
  query: '',
  clientIp: '203.0.113.7',
  header: () => undefined,
  findHeaderName: () => undefined,
};

export const word = (outcome: Receipt | Refusal | undefined): string => {
  if (outcome === undefined) return 'free';
  return isRefusal(outcome) ? outcome.code : 'paid';
};

const offlineAt = (mints: readonly Readonly<{ url: string }>[], amount: number, settleEveryMs = SETTLE_EVERY_MS) => ({
  max_unsettled: mints.map(({ url }) => ({ mint: url, unit: 'sat', amount })),
  settle_every: settleEveryMs,
  settle_within: 86_400_000,
});

export const openTill = async (t: TestContext, options: TillOptions): Promise<Till> => {
  const {
    mints,
    prices = { premium: fallback },
    timeoutMs = 2_000,
    patienceMs = 8_000,
    debitOnceWithinMs = 0,
  } = options;
  const { path: own, remove } = createWorkdir('till');
  const directory = options.directory ?? own;
  const clock = options.clock ?? { nowMs: 1_700_000_000_000 };
  const now = () => clock.nowMs;
  const stores = openSqliteStores(join(directory, 'till.db'));
  const ledger = createRecentLedger(stores.ledger);
  const outbound = createOutbound();
  const named = mints.map((mint) => (typeof mint === 'string' ? { url: mint, units: ['sat'] } : mint));
  const directoryOfMints = createMintDirectory({ mints: named, anyMint: undefined, outbound, now, timeoutMs });
  const reasons: string[] = [];
  const concluded: string[] = [];
  const curve = await openCurve();
  const lockConfig = options.lock && {
    private_key: new Secret(options.lock.privateKey),
    required: options.lock.isRequired ?? false,
    accept_offline:
      options.maxUnsettled === undefined ? undefined : offlineAt(named, options.maxUnsettled, options.settleEveryMs),
  };
  const lock = assembleLock({ lock: lockConfig }, curve);
  const { lockKey, unlock } = lock;
  const refused: RefusedSum[] = [];
  const { accept, settler } = assembleDeferred({
    cashu: { lock: lockConfig, request_timeout: timeoutMs },
    stores,
    lock,
    curve,
    mintOf: directoryOfMints.find,
    holder: `settler ${Math.random()}`,
    now,
    pause: async () => undefined,
    events: {
      onAccepted: () => concluded.push('accepted'),
      onUnsettled: () => undefined,
      onBatchSettled: () => concluded.push('batch settled'),
      onBatchRefused: (_, sum) => refused.push(sum),
      onUncertain: (_, reason) => reasons.push(reason),
      onStranded: () => undefined,
      onSettlingFailed: (error) => reasons.push(String(error)),
    },
  });
  const redeem = createRedeemer({
    ledger,
    mintOf: directoryOfMints.find,
    curve,
    holder: `till ${Math.random()}`,
    callMs: timeoutMs,
    now,
    onUncertain: (_, reason) => reasons.push(reason),
    onConcluded: (_, result) => concluded.push(result),
  });
  const settle = createSettlement(redeem);
  const read = createTokenReader(directoryOfMints.find, { maxProofs: 128, lockKey });
  const charges = Object.fromEntries(
    Object.entries(prices).map(([rule, price]) => [
      rule,
      createCharge({
        rule,
        quotes: createQuotes(rule, [{ ...price, mints: [] }], { format: 'creqA' }),
        ledger,
        mintOf: directoryOfMints.find,
        curve,
        unlock,
        settle,
        accept,
        provision: options.provisions?.[rule],
        patienceMs,
        debitOnceWithinMs,
        sessionLifetimeMs: 86_400_000,
        throttle: { isOpen: () => true, recordFailure: () => undefined },
        now,
      }),
    ]),
  );

  const pay: Till['pay'] = async (text, rule = 'premium', intent = 'enforce', { account, ...about } = {}) => {
    const token = await read(text);
    if (isRefusal(token)) return token;
    return charges[rule]?.({ ...standard, ...about }, { ...payer(token), ...(account && { account }) }, intent);
  };

  const draw: Till['draw'] = async (account, rule = 'premium', intent = 'enforce') =>
    charges[rule]?.(standard, sessionHolder(account), intent);

  const query = (sql: string): Record<string, unknown>[] => {
    const database = new DatabaseSync(join(directory, 'till.db'), { readOnly: true });
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  };

  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await stores.close();
    await curve.close();
    outbound.close();
  };
  t.after(async () => {
    await close();
    remove();
  });

  return {
    directory,
    clock,
    pay,
    draw,
    ask: async (...asked) => word(await pay(...asked)),

    credited: () =>
      query(
        `SELECT swaps.credit FROM credits JOIN payments ON payments.id = credits.payment_id
          JOIN swaps ON swaps.payment_id = payments.id AND swaps.number = payments.swap_number`,
      ).reduce((sum, { credit }) => sum + Number(credit), 0),

    earned: (keysOf) =>
      query(
        `SELECT payments.signatures, swaps.outputs FROM payments
          JOIN swaps ON swaps.payment_id = payments.id AND swaps.number = payments.swap_number`,
      ).flatMap(({ signatures, outputs }) => {
        const given = JSON.parse(String(signatures)) as BlindSignature[];
        return (JSON.parse(String(outputs)) as SerializedOutputData[]).flatMap((output, index) => {
          const { amount, id, C_ } = given[index] ?? { amount: 0, id: '', C_: '' };
          const keyset = { id, keys: keysOf(id) };
          return [OutputData.deserialize(output).toProof({ amount: Amount.from(amount), id, C_ }, keyset)];
        });
      }),

    reasons,
    concluded,
    ledger,
    proofs: stores.proofs,
    spends: stores.spends,
    pods: stores.pods,
    deferred: stores.deferred,
    settler,
    refused,
    curve,
    mintOf: directoryOfMints.find,
    lightningOf: (url) => createHttpLightning({ url, timeoutMs, outbound }),
    settle,
    close,
  };
};
