/** Refunds of a real service: what is left comes back once, whatever happens in between, and to whoever paid alone. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { droppedAfter, droppedBefore, hold } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { startSallyport } from '../sallyport.ts';
import { type Answered, request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { codeOf, times } from './ask.ts';
import { receive } from './taker.ts';

const enter = async (t: TestContext, refunds = 'refunds: true', inputFeePpk = 0) => {
  const mint = await startMint({ owner: t, keysets: [{ inputFeePpk }] });
  const key = randomBytes(32).toString('base64');
  const config = `
trusted_proxies: ["127.0.0.1"]
cashu: { mints: ["${mint.url}"], request_timeout: 1s, encryption_key: "${key}", ${refunds} }
rules:
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu], price: 8 }
  - { name: time, match: { path: "/time/**" }, accept: [cashu], price: { amount: 8, buys: { time: 1h } } }
`;
  let gate = await startSallyport({ owner: t, config });
  const ask = (headers: Record<string, string>, path = '/premium/1') =>
    request(gate.url, `/auth/native${path}`, { headers: { Host: 'shop.example.com', ...headers } });
  const refund = (headers: Record<string, string>, method = 'POST') =>
    request(gate.url, '/.sallyport/refund', { method, headers: { Host: 'shop.example.com', ...headers } });
  const collected = (count: number) =>
    until('it is collected', async () => {
      const database = new DatabaseSync(join(gate.directory, 'sallyport.db'), { readOnly: true });
      const row = database.prepare('SELECT COUNT(*) AS count FROM payments WHERE collected_at IS NOT NULL').get();
      database.close();
      return Number(row?.['count']) >= count;
    });
  const restart = async () => {
    const { directory } = gate;
    gate.signal('SIGKILL');
    await gate.exited();
    gate = await startSallyport({ owner: t, config, directory });
  };
  return { mint, gate: () => gate, ask, refund, collected, restart, pay: createPayer(mint.url) };
};

const sessionOf = ({ headers }: Answered) => ({ 'X-Payment-Session': String(headers['x-payment-session']) });
const tokenIn = ({ status, body }: Answered): string => {
  assert.equal(status, 200, body);
  return JSON.parse(body).token;
};

test('what is left comes back as a token, the same as often as it is asked for, and opens nothing any more', async (t) => {
  const { mint, gate, ask, refund, collected, restart, pay } = await enter(t);
  const paid = { 'X-Cashu': await pay.token(64) };
  const session = sessionOf(await ask(paid));
  await collected(1);
  const answer = await refund(session);
  const { token, ...document } = JSON.parse(answer.body);
  assert.deepEqual(document, { mint: mint.url, unit: 'sat', amount: 56 });
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.match(String(answer.headers['set-cookie']), /^sallyport-session=; Max-Age=0/);
  assert.equal(codeOf(await ask(session)), 'invalid_session');
  assert.equal(codeOf(await ask(paid)), 'credit_exhausted');
  await restart();
  for (const shown of [session, paid]) assert.equal(tokenIn(await refund(shown)), token);
  assert.equal(await receive(mint.url, token), 56);
  const { body } = await request(gate().url, '/metrics');
  assert.match(body, /sallyport_refunds_total\{mint="[^"]+",result="token"\} 2/);
  assert.ok(!gate().output().includes(token.slice(0, 40)));
  const database = new DatabaseSync(join(gate().directory, 'sallyport.db'), { readOnly: true });
  assert.match(String(database.prepare('SELECT token FROM exports').get()?.['token']), /^sealed:1:/);
  database.close();
});

test('a running time pass goes on, and what is besides it comes back', async (t) => {
  const { mint, ask, refund, collected, pay } = await enter(t);
  const paid = { 'X-Cashu': await pay.token(16) };
  const session = sessionOf(await ask(paid, '/time/1'));
  await collected(1);
  assert.equal(await receive(mint.url, tokenIn(await refund(session))), 8);
  assert.equal((await ask(paid, '/time/1')).status, 200);
});

test('nobody gains by paying and taking back: fees are the payer’s', async (t) => {
  const { mint, ask, refund, collected, pay } = await enter(t, 'refunds: true', 1_000);
  const paid = { 'X-Cashu': await pay.token(100) };
  await ask(paid);
  await collected(1);
  const { amount } = JSON.parse((await refund(paid)).body);
  const brought = mint.mint.totals();
  assert.equal(brought.fees, 3 + 2, 'of three coins, and of two that were exchanged');
  assert.equal(amount, 100 - 8 - brought.fees);
});

// biome-ignore format: a table is read by its columns
const refusals: readonly (readonly [title: string, headers: Record<string, string>, status: number, code: string])[] = [
  ['nothing to show', {}, 400, 'bad_request'],
  ['an unknown session', { 'X-Payment-Session': 'guess' }, 402, 'invalid_session'],
  ['no token', { 'X-Cashu': 'cashuBx' }, 400, 'malformed_payment'],
  ['both', { 'X-Cashu': 'cashuBx', 'X-Payment-Session': 'guess' }, 400, 'ambiguous_credentials'],
  ['another site’s page', { 'X-Payment-Session': 'guess', 'Sec-Fetch-Site': 'cross-site' }, 403, 'cross_site'],
];

test('who may not have it: refused by a code, and nothing is taken', async (t) => {
  const { ask, refund, collected, pay } = await enter(t, 'refunds: { least: 20 }');
  for (const [title, headers, status, code] of refusals) {
    const answer = await refund(headers);
    assert.deepEqual([answer.status, codeOf(answer)], [status, code], title);
  }
  assert.equal((await refund({}, 'GET')).status, 405);
  assert.equal(codeOf(await refund({ 'X-Cashu': await pay.token(8) })), 'invalid_session', 'a token that paid nothing');
  const session = sessionOf(await ask({ 'X-Cashu': await pay.token(27) }));
  await collected(1);
  const little = await refund(session);
  assert.deepEqual([little.status, codeOf(little)], [409, 'nothing_to_refund']);
  assert.equal((await ask(session)).status, 200, 'it is still credit');
});

test('where refunds are not configured there are none', async (t) => {
  const { refund } = await enter(t, 'max_proofs: 64');
  assert.equal((await refund({ 'X-Payment-Session': 'x' })).status, 404);
});

test('a source that guesses is held off', async (t) => {
  const { refund } = await enter(t);
  const from = { 'X-Forwarded-For': '203.0.113.7' };
  const codes = new Set<string>();
  for (const guess of times(110, (index) => `guess-${index}`)) {
    codes.add(codeOf(await refund({ 'X-Payment-Session': guess, ...from })));
  }
  assert.deepEqual([...codes], ['invalid_session', 'too_many_failures']);
});

test('the mint does not answer: 503 with Retry-After, and then the one token, also in the next process', async (t) => {
  const { mint, ask, refund, collected, restart, pay } = await enter(t);
  const session = sessionOf(await ask({ 'X-Cashu': await pay.token(64) }));
  await collected(1);
  mint.faults.set('/v1/swap', droppedAfter);
  mint.faults.set('/v1/checkstate', droppedBefore);
  const answer = await refund(session);
  assert.deepEqual([answer.status, codeOf(answer)], [503, 'refund_pending']);
  assert.ok(Number(answer.headers['retry-after']) > 0);
  assert.equal(codeOf(await ask(session)), 'invalid_session', 'it is taken from the account');
  await restart();
  mint.faults.clear();
  let again = await refund(session);
  await until(
    'it is there',
    async () => {
      again = await refund(session);
      return again.status === 200;
    },
    { deadlineMs: 30_000, everyMs: 500 },
  );
  assert.equal(await receive(mint.url, tokenIn(again)), 56);
  assert.equal(mint.mint.totals().fees, 0);
});

test('killed while the mint holds the swap of a refund: the next process shows its token', async (t) => {
  const { mint, ask, refund, collected, restart, pay } = await enter(t);
  const session = sessionOf(await ask({ 'X-Cashu': await pay.token(64) }));
  await collected(1);
  const held = hold('after');
  mint.faults.set('/v1/swap', held.fault, { times: 1 });
  const lost = refund(session).catch(() => undefined);
  await until('the mint has the swap', () => held.waiting() === 1);
  await restart();
  await lost;
  held.release();
  let answer = await refund(session);
  await until(
    'it is there',
    async () => {
      answer = await refund(session);
      return answer.status === 200;
    },
    { deadlineMs: 30_000, everyMs: 500 },
  );
  assert.equal(await receive(mint.url, tokenIn(answer)), 56);
});

test('requests and refunds that race: each unit is used, or comes back', async (t) => {
  const { mint, ask, refund, collected, pay } = await enter(t);
  const paid = { 'X-Cashu': await pay.token(248) };
  const session = sessionOf(await ask(paid));
  await collected(1);
  const asking = times(40, () => ask(session));
  const refunding = times(3, () => refund(session));
  const used = 1 + (await Promise.all(asking)).filter(({ status }) => status === 200).length;
  await Promise.all(refunding);
  let answer = await refund(paid);
  await until('it is decided', async () => {
    answer = await refund(paid);
    return answer.status !== 503;
  });
  const back = answer.status === 200 ? await receive(mint.url, tokenIn(answer)) : 0;
  assert.equal(used * 8 + back, 248);
});
