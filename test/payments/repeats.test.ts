/** One request that a proxy asks about twice is debited once, and no two requests for one debit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { tally, times } from './ask.ts';
import { type About, openTill, type TillOptions } from './till.ts';

const WITHIN_MS = 10_000;

const enter = async (t: Parameters<typeof openTill>[0], options: Partial<TillOptions> = {}) => {
  const mint = await startMint({ owner: t });
  const prices = { premium: { amount: 1, unit: 'sat', buys: { requests: 1 } } };
  const till = await openTill(t, { mints: [mint.url], prices, debitOnceWithinMs: WITHIN_MS, ...options });
  const token = await createPayer(mint.url).token(100);
  const balance = async (about: About = {}, rule = 'premium') =>
    ((await till.pay(token, rule, 'enforce', about)) as { balance: number }).balance;
  return { till, token, balance };
};

test('one question asked a hundred times at once, the first time with a new token, is debited once', async (t) => {
  const { balance } = await enter(t);
  assert.deepEqual(new Set(await Promise.all(times(100, () => balance()))), new Set([99]));
});

for (const [title, about] of [
  ['id', { id: 'request-2' }],
  ['method', { method: 'POST' }],
  ['scheme', { scheme: 'http' }],
  ['host', { host: 'other.example.com' }],
  ['path', { path: '/premium/2' }],
  ['query', { query: 'page=2' }],
] as const satisfies [string, About][]) {
  test(`another ${title} is another request`, async (t) => {
    const { balance } = await enter(t);
    assert.deepEqual([await balance(), await balance(about), await balance(about)], [99, 98, 98]);
  });
}

test('another rule is another request', async (t) => {
  const price = { amount: 1, unit: 'sat', buys: { requests: 1 } };
  const { balance } = await enter(t, { prices: { premium: price, other: price } });
  assert.deepEqual([await balance(), await balance({}, 'other')], [99, 98]);
});

test('of a package of requests too, one is used for one request', async (t) => {
  const { balance, till, token } = await enter(t, {
    prices: { premium: { amount: 100, unit: 'sat', buys: { requests: 3 } } },
  });
  for (const id of ['a', 'a', 'b', 'b', 'c', 'c', 'a']) assert.equal(await balance({ id }), 0);
  assert.equal(await till.ask(token, 'premium', 'enforce', { id: 'd' }), 'credit_exhausted');
});

test('what was debited is remembered to the millisecond, and no longer', async (t) => {
  const { balance, till } = await enter(t);
  await balance();
  till.clock.nowMs += WITHIN_MS - 1;
  assert.equal(await balance(), 99);
  till.clock.nowMs += 1;
  assert.equal(await balance(), 98);
});

test('a preview of a request that was debited finds it paid, though nothing is left', async (t) => {
  const { till, token } = await enter(t, { prices: { premium: { amount: 100, unit: 'sat', buys: { requests: 1 } } } });
  assert.equal(await till.ask(token), 'paid');
  assert.equal(await till.ask(token, 'premium', 'preview'), 'paid');
  assert.equal(await till.ask(token, 'premium', 'preview', { id: 'request-2' }), 'credit_exhausted');
});

test('unless the operator says that the proxy makes the ids, every question is debited', async (t) => {
  const { balance } = await enter(t, { debitOnceWithinMs: 0 });
  assert.deepEqual([await balance(), await balance()], [99, 98]);
});

for (const [who, trusted, statuses] of [
  ['a trusted proxy', '127.0.0.1', { 200: 9 }],
  ['anybody else', '192.0.2.1', { 200: 2, 402: 7 }],
] as const) {
  test(`the request id of ${who}, over HTTP`, async (t) => {
    const mint = await startMint({ owner: t });
    const gate = await startSallyport({
      owner: t,
      config: `
trusted_proxies: ["${trusted}"]
cashu: { mints: ["${mint.url}"], debit_once_within: 10s }
rules: [{ name: premium, match: { path: "/**" }, accept: [cashu], price: 8 }]
`,
    });
    const headers = { 'X-Cashu': await createPayer(mint.url).token(16), 'X-Request-ID': 'one' };
    assert.deepEqual(await tally(times(9, () => request(gate.url, '/auth/native/1', { headers }))), statuses);
  });
}
