/** What is asked for and what is taken: several units and mints, amounts that an ingress requires, the default price. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { decodePaymentRequest } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { type Sallyport, type SallyportOptions, startSallyport } from '../sallyport.ts';
import { type Answered, request } from '../servers/request.ts';
import { codeOf } from './ask.ts';

type Settings = Readonly<{ cashu?: string; config?: string }> & Pick<SallyportOptions, 'env'>;

const enter = async (t: TestContext, price: string, { cashu = '', config: more = '', ...options }: Settings = {}) => {
  const units = ['sat', 'usd'] as const;
  const both = await startMint({ owner: t, keysets: units.map((unit) => ({ unit })) });
  const sats = await startMint({ owner: t });
  const config = `
cashu:
  mints: [{ url: "${both.url}", units: [sat, usd] }, "${sats.url}"]
  ${cashu}
${more}
rules:
  - { name: premium, match: { path: "/premium/**" }, accept: cashu, ${price} }
`
    .replaceAll('BOTH', both.url)
    .replaceAll('SATS', sats.url);
  return { both, sats, gate: await startSallyport({ owner: t, config, ...options }) };
};

const ask = (gate: Sallyport, token?: string, required?: string): Promise<Answered> =>
  request(gate.url, '/auth/native/premium/1', {
    headers: {
      ...(token !== undefined && { 'X-Cashu': token }),
      ...(required !== undefined && { 'X-Required-Amount': required }),
    },
  });

const taken = ({ headers }: Answered) => headers['x-payment-amount'];

const amountAsked = ({ headers }: Answered) => decodePaymentRequest(String(headers['x-cashu'])).amount?.toNumber();

test('each unit and each mint has its own price, and a token is weighed against its own', async (t) => {
  const price = 'price: [{ amount: 8, mints: SATS }, { amount: 9, mints: BOTH }, { amount: 2, unit: usd }]';
  const { gate, both, sats } = await enter(t, price);
  for (const [mint, unit, amount, expected] of [
    [sats, 'sat', 8, '8'],
    [both, 'sat', 8, 'insufficient_payment'],
    [both, 'sat', 9, '9'],
    [both, 'usd', 1, 'insufficient_payment'],
    [both, 'usd', 2, '2'],
  ] as const) {
    const answer = await ask(gate, await createPayer(mint.url, unit).token(amount));
    assert.equal(answer.status === 200 ? taken(answer) : codeOf(answer), expected, `${amount} ${unit}`);
  }
  assert.deepEqual([sats.spentAmount(), both.spentAmount('sat'), both.spentAmount('usd')], [8, 9, 2]);
});

test('the 402 lists every price with a request that a wallet reads', async (t) => {
  const { gate, both, sats } = await enter(t, 'price: [8, { amount: 2, unit: usd }]', {
    cashu: 'request_format: both',
  });
  const answer = await ask(gate);
  assert.equal(answer.status, 402);
  const { prices, ...first } = JSON.parse(answer.body);
  const requests = prices.flatMap(({ request: one, creqB }: Record<string, string>) => [one, creqB]);
  const read = requests.map((one: string) => {
    const { amount, unit, mints } = decodePaymentRequest(one);
    return { amount: amount?.toNumber(), unit, mints };
  });
  const inSats = { amount: 8, unit: 'sat', mints: [both.url, sats.url] };
  const inCents = { amount: 2, unit: 'usd', mints: [both.url] };
  assert.deepEqual(read, [inSats, inSats, inCents, inCents]);
  assert.equal(first.request, answer.headers['x-cashu']);
});

test('a unit without a price is refused untouched, and what is accepted is named', async (t) => {
  const { gate, both } = await enter(t, 'price: 8');
  const answer = await ask(gate, await createPayer(both.url, 'usd').token(8));
  assert.deepEqual([answer.status, codeOf(answer)], [400, 'wrong_unit']);
  assert.match(JSON.parse(answer.body).detail, /in usd\. Expected 8 sat\./);
  assert.equal(both.spentAmount('usd'), 0);
});

test('what was bought at the price does not open what the ingress requires more for', async (t) => {
  const { gate, sats } = await enter(t, 'price: { amount: 8, buys: { requests: 10 } }');
  const payer = createPayer(sats.url);
  const small = await payer.token(8);
  assert.equal(taken(await ask(gate, small)), '8');
  assert.equal(codeOf(await ask(gate, small, '9')), 'credit_exhausted');
  assert.equal(codeOf(await ask(gate, small)), 'paid', 'nine requests are left at the price');
  const large = await payer.token(100);
  assert.equal(taken(await ask(gate, large, '40')), '40');
  assert.equal(taken(await ask(gate, large, '40')), '40');
  assert.equal(taken(await ask(gate, large)), '8', 'the price without the requirement');
  assert.equal(taken(await ask(gate, large, '41')), '41');
  assert.equal(codeOf(await ask(gate, large, '42')), 'credit_exhausted');
  assert.equal(codeOf(await ask(gate, large, '40')), 'paid');
});

test('what the ingress requires is asked for, and never less than the price', async (t) => {
  const { gate } = await enter(t, 'price: 8');
  const asked = [];
  for (const required of [undefined, '', '0', '7', '8', '9', '4000']) {
    asked.push(amountAsked(await ask(gate, undefined, required)));
  }
  assert.deepEqual(asked, [8, 8, 8, 8, 8, 9, 4000]);
});

test('what a peer that is not trusted requires counts for nothing', async (t) => {
  const { gate, sats } = await enter(t, 'price: 8', { config: 'trusted_proxies: [192.0.2.1]' });
  for (const required of ['9', 'absurd']) assert.equal(amountAsked(await ask(gate, undefined, required)), 8);
  assert.equal(taken(await ask(gate, await createPayer(sats.url).token(8), '9')), '8');
});

test('a rule without a price has the one of DEFAULT_PAYMENT_AMOUNT (seed 004), in sat', async (t) => {
  const { gate, sats } = await enter(t, 'limits: { per_day: 100 }', {
    cashu: 'default_amount: 5',
    env: { DEFAULT_PAYMENT_AMOUNT: '1000' },
  });
  const answer = await ask(gate);
  assert.equal(answer.status, 402);
  const { error, amount, unit } = JSON.parse(answer.body);
  assert.deepEqual([error, amount, unit], ['Payment Required', 1000, 'sat']);
  assert.equal(codeOf(await ask(gate, await createPayer(sats.url).token(999))), 'insufficient_payment');
  assert.equal(taken(await ask(gate, await createPayer(sats.url).token(1000))), '1000');
});
