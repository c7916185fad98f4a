/** What a payment for a pod costs, and what it does not: the whole paywall on a genuine mint, with a namespace that obeys. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { readLockKey } from '../../src/config/lock-key.ts';
import type { Account, Receipt } from '../../src/core/payment.ts';
import type { PaidPod, PodTerms, Provision } from '../../src/core/pod.ts';
import { isRefusal, type Refusal, refuse } from '../../src/core/refusal.ts';
import { droppedBefore } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { openTill, type Till, type TillOptions, word } from './till.ts';

const HOUR_MS = 3_600_000;
const PRICE = 8;
const privateKey = '7'.repeat(64);
const { publicKey: ours = '' } = readLockKey(privateKey) ?? {};

const price = { amount: PRICE, unit: 'sat', buys: { timeMs: HOUR_MS } };
const stopped = refuse('pods_unavailable', 'The API server is away.', { headers: { 'Retry-After': '5' } });
const late = refuse('pod_pending', 'The pod is not there yet.', { headers: { 'Retry-After': '2' } });

type Namespace = { problem: Refusal | undefined; isSlow: boolean; brought: PaidPod[] };

const enter = async (t: TestContext, terms: Partial<PodTerms> = {}, more: Partial<TillOptions> = {}) => {
  const mint = await startMint({ owner: t });
  const namespace: Namespace = { problem: undefined, isSlow: false, brought: [] };
  let till: Till | undefined;
  const provision: Provision = {
    terms: { template: 'default', mostOfAccount: 1, mostInAll: 2, longestMs: 3 * HOUR_MS, ...terms },
    problem: () => namespace.problem,
    async bring(pod) {
      namespace.brought.push(pod);
      if (namespace.isSlow) return late;
      if (pod.stage === 'wanted') await till?.pods.noteCreated(pod.name, till.clock.nowMs);
      return { name: pod.name, headers: { 'X-Pod-IP': '10.0.0.7' } };
    },
  };
  const prices = { premium: price, plain: price };
  till = await openTill(t, { mints: [mint.url], prices, provisions: { premium: provision }, ...more });
  const pay = createPayer(mint.url);
  const accountOf = ({ paymentId }: Receipt): Account => ({ id: paymentId, mint: mint.url, unit: 'sat' });
  return { mint, till, namespace, pay, accountOf };
};

const receiptOf = (outcome: Receipt | Refusal | undefined): Receipt =>
  outcome && !isRefusal(outcome) ? outcome : assert.fail(word(outcome));

const podNameOf = (outcome: Receipt | Refusal | undefined): string =>
  receiptOf(outcome).pod?.name ?? assert.fail('no pod');

test('of 50 requests that race with one token all are told the same pod, and the mint is asked once', async (t) => {
  const { mint, till, pay } = await enter(t);
  const token = await pay.token(PRICE);
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => till.pay(token)));
  assert.equal(new Set(outcomes.map(podNameOf)).size, 1);
  assert.deepEqual(receiptOf(outcomes[0]).pod?.headers, { 'X-Pod-IP': '10.0.0.7' });
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  assert.deepEqual(await till.pods.counts(), { reserved: 0, wanted: 0, created: 1 });
});

test('the same pod for the time that was bought, by token and by session, and another one for another payment', async (t) => {
  const { till, pay, accountOf, namespace } = await enter(t);
  const token = await pay.token(PRICE);
  const first = receiptOf(await till.pay(token));
  till.clock.nowMs += HOUR_MS - 1;
  const second = receiptOf(await till.pay(token));
  assert.deepEqual([first.isRunning, second.isRunning, second.pod], [false, true, first.pod]);
  assert.equal(podNameOf(await till.draw(accountOf(first))), first.pod?.name);
  assert.notEqual(podNameOf(await till.pay(await pay.token(PRICE))), first.pod?.name);
  till.clock.nowMs += 1;
  assert.equal(await till.ask(token), 'credit_exhausted');
  const { length } = namespace.brought;
  assert.equal(await till.ask(await pay.token(PRICE), 'plain'), 'paid');
  assert.equal(namespace.brought.length, length, 'rules that start none start none');
});

test('while none can be started, a new token is not touched, and pays later; who has one keeps it', async (t) => {
  const { mint, till, pay, namespace } = await enter(t);
  const known = await pay.token(PRICE);
  const name = podNameOf(await till.pay(known));
  namespace.problem = stopped;
  const token = await pay.token(PRICE);
  for (const _ of [1, 2]) assert.equal(await till.pay(token), stopped);
  assert.equal(podNameOf(await till.pay(known)), name);
  assert.deepEqual([mint.spentAmount(), mint.faults.seen('/v1/swap')], [PRICE, 1]);
  namespace.problem = undefined;
  assert.equal(await till.ask(token), 'paid');
});

test('credit buys no pod while none can be started, and stays', async (t) => {
  const { till, pay, accountOf, namespace } = await enter(t);
  const receipt = receiptOf(await till.pay(await pay.token(2 * PRICE)));
  till.clock.nowMs += HOUR_MS;
  namespace.problem = stopped;
  assert.equal(await till.draw(accountOf(receipt)), stopped);
  namespace.problem = undefined;
  const next = receiptOf(await till.draw(accountOf(receipt)));
  assert.deepEqual([next.balance, next.pod?.name === receipt.pod?.name], [0, false]);
});

test('of tokens that race for the last places, the mint sees as many as there are places', async (t) => {
  const { mint, till, pay } = await enter(t);
  const tokens = await Promise.all(Array.from({ length: 6 }, () => pay.token(PRICE)));
  const words = await Promise.all(tokens.map((token) => till.ask(token)));
  assert.deepEqual(words.sort(), ['paid', 'paid', ...Array(4).fill('pods_full')]);
  assert.deepEqual([mint.spentAmount(), mint.faults.seen('/v1/swap')], [2 * PRICE, 2]);
  const refused = await till.pay(await pay.token(PRICE));
  const retryAfter = isRefusal(refused) && Number(refused.headers?.['Retry-After']);
  assert.equal(retryAfter, HOUR_MS / 1000, 'a pod ends then');
});

test('a further token beside the session extends the pod once; beyond the longest life none is touched', async (t) => {
  const { mint, till, pay, accountOf } = await enter(t);
  const first = receiptOf(await till.pay(await pay.token(PRICE)));
  const account = accountOf(first);
  const tokens = await Promise.all([1, 2].map(() => pay.token(PRICE)));
  for (const token of tokens) {
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => till.pay(token, 'premium', 'enforce', { account })),
    );
    assert.deepEqual(new Set(outcomes.map(podNameOf)), new Set([first.pod?.name]));
  }
  assert.equal((await till.pods.find(first.pod?.name ?? ''))?.runsMs, 3 * HOUR_MS);
  const beyond = await pay.token(PRICE);
  assert.equal(await till.ask(beyond, 'premium', 'enforce', { account }), 'pod_lifetime_reached');
  assert.equal(mint.spentAmount(), 3 * PRICE);
  till.clock.nowMs += 3 * HOUR_MS - 1;
  for (const token of tokens) assert.equal(podNameOf(await till.pay(token)), first.pod?.name);
  till.clock.nowMs += 1;
  assert.notEqual(podNameOf(await till.pay(beyond)), first.pod?.name);
});

test('a rule that lets a payer have one pod refuses a second before the token is touched', async (t) => {
  const { mint, till, pay, accountOf } = await enter(t);
  const account = accountOf(receiptOf(await till.pay(await pay.token(PRICE))));
  const about = { account, requiredAmount: '20' };
  assert.equal(await till.ask(await pay.token(20), 'premium', 'enforce', about), 'too_many_pods');
  assert.equal(mint.spentAmount(), PRICE);
});

test('a payment that the mint rejects frees its place', async (t) => {
  const { till, pay, mint } = await enter(t, { mostInAll: 1 });
  const proofs = await pay.proofs(PRICE);
  const token = encodeToken({ mint: mint.url, unit: 'sat', proofs });
  const elsewhere = await openTill(t, { mints: [mint.url] });
  assert.equal(await elsewhere.ask(token), 'paid');
  assert.equal(await till.ask(token), 'payment_spent');
  assert.equal(await till.ask(await pay.token(PRICE)), 'paid');
});

test('while the mint gives no certain answer the place is kept, and the pod comes with the answer', async (t) => {
  const { till, pay, mint } = await enter(t, { mostInAll: 1 });
  const token = await pay.token(PRICE);
  mint.faults.set('/v1/swap', droppedBefore);
  mint.faults.set('/v1/checkstate', droppedBefore);
  mint.faults.set('/v1/restore', droppedBefore);
  assert.equal(await till.ask(token), 'payment_uncertain');
  assert.equal(await till.ask(await pay.token(PRICE)), 'pods_full');
  assert.equal(await till.pods.releaseReserved(till.clock.nowMs + HOUR_MS), 0);
  mint.faults.clear();
  till.clock.nowMs += 120_000;
  assert.equal(await till.ask(token), 'paid');
  assert.deepEqual(await till.pods.counts(), { reserved: 0, wanted: 0, created: 1 });
});

test('a pod that is not there in time: 503, paid once, and there at the next request', async (t) => {
  const { till, pay, namespace, mint } = await enter(t);
  const token = await pay.token(2 * PRICE);
  namespace.isSlow = true;
  for (const _ of [1, 2, 3]) assert.equal(await till.pay(token), late);
  assert.deepEqual(await till.pods.counts(), { reserved: 0, wanted: 1, created: 0 });
  namespace.isSlow = false;
  const receipt = receiptOf(await till.pay(token));
  assert.deepEqual([receipt.balance, mint.spentAmount()], [PRICE, 2 * PRICE]);
  assert.equal(new Set(namespace.brought.map(({ name }) => name)).size, 1);
});

test('what was given back buys another pod, without a further token', async (t) => {
  const { till, pay, namespace, mint } = await enter(t);
  const token = await pay.token(PRICE);
  namespace.isSlow = true;
  await till.pay(token);
  const [wanted] = await till.pods.wanted(1);
  assert.equal(await till.pods.giveBack(wanted?.name ?? '', till.clock.nowMs), true);
  namespace.isSlow = false;
  assert.notEqual(podNameOf(await till.pay(token)), wanted?.name);
  assert.equal(mint.spentAmount(), PRICE);
});

test('a preview and a deposit start nothing; the deposit’s session does', async (t) => {
  const { till, pay, namespace, accountOf } = await enter(t);
  const token = await pay.token(PRICE);
  assert.equal(await till.ask(token, 'premium', 'preview'), 'free');
  const deposited = receiptOf(await till.pay(token, 'premium', 'deposit'));
  assert.deepEqual([deposited.pod, namespace.brought], [undefined, []]);
  assert.ok(podNameOf(await till.draw(accountOf(deposited))));
});

test('a locked token that is accepted without asking its mint buys a pod, and only where there is room', async (t) => {
  const { mint, till, pay } = await enter(t, { mostInAll: 1 }, { lock: { privateKey }, maxUnsettled: 1_000 });
  await till.mintOf(mint.url)?.refreshKeysets(0);
  till.clock.nowMs = Date.now();
  const locked = () => pay.token(PRICE, { lock: { pubkey: ours } });
  assert.ok(podNameOf(await till.pay(await locked())));
  assert.equal(await till.ask(await locked()), 'pods_full');
  assert.equal(mint.faults.seen('/v1/swap'), 0);
  const [balance] = await till.proofs.balances();
  assert.equal(balance?.unsettled.amount, PRICE, 'nothing was taken of the other');
});
