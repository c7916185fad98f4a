/**
 * Redeems tokens of 8 proofs by everything that takes payments, in this process, with a mint elsewhere; writes what it cost
 * as JSON. `node redeem-many.ts CONFIG MINT`.
 */
import { randomBytes } from 'node:crypto';
import { Amount, getEncodedToken } from '@cashu/cashu-ts';
import { assemblePayments } from '../../src/assemble/payments.ts';
import { openStores } from '../../src/assemble/stores.ts';
import { loadConfig } from '../../src/config/load.ts';
import { loadLibsecp256k1 } from '../../src/paywall/curve/libsecp256k1.ts';
import { createOutbound } from '../../src/stores/outbound/exchange.ts';
import { silentEvents } from '../../test/payments/silent-events.ts';
import { keysetId } from './instant-mint.ts';
import { createPaying, longestTurn, median, millisecondsOf, threadMs } from './paying.ts';

export type RedemptionCosts = Readonly<{
  /** Of the event loop's thread, from the token's text to the swap's first byte. */
  beforeSwapMs: number;
  /** Of all threads, from the token's text to our own proofs in the database: one after another, and 50 at once. */
  cpuMs: number;
  cpuAtOnceMs: number;
  /** The longest turn of the event loop, in time of its thread, while 50 redemptions ran at once. */
  stallMs: number;
  perSecond: number;
  /** Of one processor, while redemptions ran one after another as fast as they could. */
  share: number;
}>;

const [, , path = '', mint = ''] = process.argv;
const AT_ONCE = 50;
/**
 * V8 goes on compiling for a thousand redemptions, on threads whose time counts here: a service that runs has that behind it.
 * The rounds are as many as make its garbage collection, too, a part of each.
 */
const WARM_UP = 1_200;
const WARM_UP_AT_ONCE = 5;
const ALONE = 50;
const ROUNDS = 800;
const AT_ONCE_ROUNDS = 10;

const curve = loadLibsecp256k1();
if (!curve) throw new Error('there is no binary of libsecp256k1 for this machine');

/** The mint's key is 1: its signature is the point itself. */
const drawToken = (): string =>
  getEncodedToken({
    mint,
    unit: 'sat',
    proofs: Array.from({ length: 8 }, (_, power) => {
      const secret = randomBytes(32).toString('hex');
      return { id: keysetId, amount: Amount.from(2 ** power), secret, C: curve.hashToCurve(secret) };
    }),
  });

const processMs = (since: NodeJS.CpuUsage): number => millisecondsOf(process.cpuUsage(since));

const { config } = loadConfig({ path, env: {}, insecure: new Set() });
const stores = await openStores(config);
const real = createOutbound();
let swapAtMs = 0;
let collected = 0;
let expected = 0;
let done = Promise.withResolvers<void>();
const expect = (count: number): Promise<void> => {
  expected = collected + count;
  done = Promise.withResolvers();
  return done.promise;
};
const ignore = (): void => undefined;
const fail = (_: unknown, error?: unknown): void => {
  throw error instanceof Error ? error : new Error('a redemption failed');
};
const payments = await assemblePayments({
  config,
  stores,
  outbound: {
    close: real.close,
    exchange(asked) {
      if (asked.url.pathname === '/v1/swap') swapAtMs = threadMs();
      return real.exchange(asked);
    },
  },
  throttle: { isOpen: () => true, recordFailure: ignore },
  now: Date.now,
  events: {
    ...silentEvents,
    onUncertain: fail,
    onCollected(_, proofs) {
      if (proofs.some(({ state }) => state === 'bad')) fail(undefined, new Error('the instant mint signs wrongly'));
      collected += 1;
      if (collected >= expected) done.resolve();
    },
    onCollectingPostponed: fail,
    onCollectingFailed: fail,
    onSpendUncertain: fail,
    onSpendingFailed: fail,
    onWrongKeys: fail,
  },
});
await payments.mints.start();
payments.collector.start();
const redeem = createPaying(payments, config);

const draw = (count: number): string[] => Array.from({ length: count }, drawToken);

const inTurn = async (tokens: readonly string[]): Promise<void> => {
  for (const token of tokens) await redeem(token);
};

/** Each alone: nothing is made proofs of in the meantime. */
const timesBeforeSwap = async (tokens: readonly string[]): Promise<number[]> => {
  const times: number[] = [];
  for (const token of tokens) {
    const end = expect(1);
    const startedAt = threadMs();
    await redeem(token);
    times.push(swapAtMs - startedAt);
    await end;
  }
  return times;
};

const warm = expect(WARM_UP + WARM_UP_AT_ONCE * AT_ONCE);
await inTurn(draw(WARM_UP));
for (let round = 0; round < WARM_UP_AT_ONCE; round++) await Promise.all(draw(AT_ONCE).map(redeem));
await warm;

const beforeSwap = await timesBeforeSwap(draw(ALONE));

const tokens = draw(ROUNDS);
const all = expect(ROUNDS);
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
await inTurn(tokens);
const tookMs = performance.now() - startedAt;
await all;
const cpuMs = processMs(cpuBefore);

let cpuAtOnceMs = 0;
for (let round = 0; round < AT_ONCE_ROUNDS; round++) {
  const many = draw(AT_ONCE);
  const end = expect(AT_ONCE);
  const before = process.cpuUsage();
  await Promise.all(many.map(redeem));
  await end;
  cpuAtOnceMs += processMs(before) / (AT_ONCE_ROUNDS * AT_ONCE);
}
// In rounds of their own, for to watch the turns costs time itself.
const stalls: number[] = [];
for (let round = 0; round < AT_ONCE_ROUNDS; round++) {
  const many = draw(AT_ONCE);
  const end = expect(AT_ONCE);
  stalls.push(await longestTurn(() => Promise.all(many.map(redeem))));
  await end;
}

const costs: RedemptionCosts = {
  beforeSwapMs: median(beforeSwap),
  cpuMs: cpuMs / ROUNDS,
  cpuAtOnceMs,
  stallMs: median(stalls),
  perSecond: (ROUNDS * 1_000) / tookMs,
  share: cpuMs / tookMs,
};
console.log(JSON.stringify(costs));
await payments.collector.close();
payments.mints.close();
await payments.close();
real.close();
await stores.close();
