/**
 * Accepts locked tokens of 4 proofs without asking the mint, by everything that takes payments, in this process; writes what it
 * cost as JSON. `node accept-many.ts CONFIG MINT KEY`.
 */
import { randomBytes } from 'node:crypto';
import { Amount, getEncodedToken } from '@cashu/cashu-ts';
import { assemblePayments } from '../../src/assemble/payments.ts';
import { openStores } from '../../src/assemble/stores.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readLockKey } from '../../src/config/lock-key.ts';
import { loadLibsecp256k1 } from '../../src/paywall/curve/libsecp256k1.ts';
import { createOutbound } from '../../src/stores/outbound/exchange.ts';
import { keysetId, sign } from './instant-mint.ts';
import { createPaying, longestTurn, median, millisecondsOf } from './paying.ts';

export type AcceptanceCosts = Readonly<{
  /** By the clock, 64 at once. */
  perSecond: number;
  /** A token, of all threads. */
  cpuMs: number;
  /** A token, of the event loop's thread. */
  loopMs: number;
  /** The longest turn of the event loop, in time of its thread, while 64 are accepted at once: the median of rounds. */
  stallMs: number;
}>;

const [, , path = '', mint = '', privateKey = ''] = process.argv;
const AT_ONCE = 64;
const ROUNDS = 15;
const WARM_UP = 10;
const WATCHED = 9;

const curve = loadLibsecp256k1();
if (!curve) throw new Error('there is no binary of libsecp256k1 for this machine');
const { publicKey } = readLockKey(privateKey) ?? {};

/** The mint's key is 1: its signature is the point itself, and a blinding factor takes nothing from it. */
const drawToken = (): string =>
  getEncodedToken({
    mint,
    unit: 'sat',
    proofs: Array.from({ length: 4 }, (_, power) => {
      const secret = JSON.stringify(['P2PK', { nonce: randomBytes(16).toString('hex'), data: publicKey, tags: [] }]);
      const r = randomBytes(32).toString('hex');
      const amount = 2 ** power;
      const { dleq } = sign({ amount, id: keysetId, B_: curve.blind({ secret, blindingFactor: r }) });
      return { id: keysetId, amount: Amount.from(amount), secret, C: curve.hashToCurve(secret), dleq: { ...dleq, r } };
    }),
  });

const { config } = loadConfig({ path, env: {}, insecure: new Set() });
const stores = await openStores(config);
const outbound = createOutbound();
const ignore = (): void => undefined;
const fail = (): void => {
  throw new Error('nothing but acceptances is measured here');
};
let accepted = 0;
const payments = await assemblePayments({
  config,
  stores,
  outbound,
  throttle: { isOpen: () => true, recordFailure: ignore },
  now: Date.now,
  events: {
    onConcluded: fail,
    onUncertain: fail,
    onUnsealed: ignore,
    onOutstanding: ignore,
    onRecovered: fail,
    onAccepted: () => {
      accepted += 1;
    },
    onUnsettled: ignore,
    onBatchSettled: fail,
    onBatchRefused: fail,
    onSettlingFailed: fail,
    onStranded: fail,
    onCollected: fail,
    onCollectingPostponed: fail,
    onCollectingFailed: fail,
    onPayout: fail,
    onRefund: fail,
    onSpent: fail,
    onSpendUncertain: fail,
    onSpendingFailed: fail,
    onWrongKeys: fail,
    onRecoveryFailed: fail,
    onForgettingFailed: fail,
  },
});
await payments.mints.start();
const pay = createPaying(payments, config);

const draw = (): string[] => Array.from({ length: AT_ONCE }, drawToken);

const payAll = (tokens: readonly string[]): Promise<unknown> => Promise.all(tokens.map(pay));

for (let round = 0; round < WARM_UP; round++) await payAll(draw());

const rounds = Array.from({ length: ROUNDS }, draw);
const [processBefore, threadBefore, startedAt] = [process.cpuUsage(), process.threadCpuUsage(), performance.now()];
for (const tokens of rounds) await payAll(tokens);
const tookMs = performance.now() - startedAt;
const [processAfter, threadAfter] = [process.cpuUsage(processBefore), process.threadCpuUsage(threadBefore)];
// In rounds of their own, for to watch the turns costs time itself.
const stalls: number[] = [];
for (let round = 0; round < WATCHED; round++) {
  const tokens = draw();
  stalls.push(await longestTurn(() => payAll(tokens)));
}
if (accepted !== (WARM_UP + ROUNDS + WATCHED) * AT_ONCE) throw new Error('the mint was asked');

const count = ROUNDS * AT_ONCE;
const costs: AcceptanceCosts = {
  perSecond: (count * 1_000) / tookMs,
  cpuMs: millisecondsOf(processAfter) / count,
  loopMs: millisecondsOf(threadAfter) / count,
  stallMs: median(stalls),
};
console.log(JSON.stringify(costs));
payments.mints.close();
await payments.close();
outbound.close();
await stores.close();
