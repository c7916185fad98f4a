/** Requests before the wall: counted by address, for all processes of a service, and by nothing that only asks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { codeOf, tally, times } from './ask.ts';

const rules = `
rules:
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu], price: 8, free: { requests: 3, per: 1d } }
  - name: slow
    match: { path: "/slow/**" }
    accept: [cashu]
    price: 8
    free: { requests: 1, per: 1d }
    limits: { per_day: 2 }
`;

type Asked = Readonly<{ from?: string; path?: string; token?: string }>;

const ask = (gate: Sallyport, { from = '203.0.113.7', path = '/premium/1', token }: Asked = {}) =>
  request(gate.url, `/auth/native${path}`, {
    headers: { ...(from !== '' && { 'X-Forwarded-For': from }), ...(token !== undefined && { 'X-Cashu': token }) },
  });

for (const workers of [1, 2]) {
  test(`with ${workers === 1 ? 'one process' : 'two workers'}: of 50 requests that race, three are free`, async (t) => {
    const mint = await startMint({ owner: t });
    const config = `workers: ${workers}\ncashu: { mints: ["${mint.url}"] }\n${rules}`;
    const gate = await startSallyport({ owner: t, config });
    assert.deepEqual(await tally(times(50, () => ask(gate))), { 200: 3, 402: 47 });
    assert.equal(codeOf(await ask(gate, { from: '203.0.113.8' })), 'paid', 'another caller has requests of his own');
    assert.equal(codeOf(await ask(gate, { from: '' })), 'payment_required', 'a caller of unknown address has none');
    assert.equal(codeOf(await ask(gate, { token: await createPayer(mint.url).token(8) })), 'paid');
    assert.equal(mint.spentAmount(), 8);
  });
}

test('the challenge that nginx fetches uses nothing up, and neither does a payment', async (t) => {
  const mint = await startMint({ owner: t });
  const gate = await startSallyport({ owner: t, config: `cashu: { mints: ["${mint.url}"] }\n${rules}` });
  const challenge = () =>
    request(gate.url, '/auth/challenge', {
      headers: {
        'X-Original-URL': 'https://shop.example.com/premium/1',
        'X-Original-Method': 'GET',
        'X-Forwarded-For': '203.0.113.7',
      },
    });
  for (const _ of times(5, () => undefined)) assert.equal(codeOf(await challenge()), 'decision_changed');
  const token = await createPayer(mint.url).token(8);
  assert.equal(codeOf(await ask(gate, { token })), 'paid');
  assert.equal(mint.spentAmount(), 8, 'whoever sends money pays');
  assert.deepEqual(await tally(times(5, () => ask(gate))), { 200: 3, 402: 2 });
  assert.equal(codeOf(await challenge()), 'payment_required');
});

test('whoever is refused for want of money is not counted against the limits of the rule', async (t) => {
  const mint = await startMint({ owner: t });
  const gate = await startSallyport({ owner: t, config: `cashu: { mints: ["${mint.url}"] }\n${rules}` });
  const path = '/slow/1';
  const codes = [];
  for (const _ of times(4, () => undefined)) codes.push(codeOf(await ask(gate, { path })));
  assert.deepEqual(codes, ['paid', 'payment_required', 'payment_required', 'payment_required']);
  const payer = createPayer(mint.url);
  assert.equal(codeOf(await ask(gate, { path, token: await payer.token(8) })), 'paid');
  assert.equal(codeOf(await ask(gate, { path, token: await payer.token(8) })), 'rate_limited');
});
