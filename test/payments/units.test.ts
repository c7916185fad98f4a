/** Units at a real service, with the configuration and the command that docs/payments.md prints. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { type Answered, request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { codeOf, tally, times } from './ask.ts';

const docs = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'payments.md'), 'utf8');
const [, section = ''] = /\n## Units that the application counts\n(.*?)\n## /s.exec(docs) ?? [];
const printed = (language: string): string =>
  new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(section)?.[1] ?? assert.fail(`no ${language} in the section`);
const [, rules = ''] = /\n(rules:.*)$/s.exec(printed('yaml')) ?? [];

const usageToken = 'usage-token-of-the-tests';

const enter = async (t: TestContext, { reportWithin = '5m' } = {}) => {
  const mint = await startMint({ owner: t });
  const gate = await startSallyport({
    owner: t,
    config: `cashu: { mints: ["${mint.url}"] }\n${rules.replace('report_within: 5m', `report_within: ${reportWithin}`)}`,
    usageToken,
  });
  const ask = (headers: Record<string, string>) => request(gate.url, '/auth/native/v1/chat', { headers });
  const report = (body: unknown, token = usageToken, path = '/api/usage/units') =>
    request(gate.adminUrl, path, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  return { mint, gate, ask, report, pay: createPayer(mint.url) };
};

const useOf = ({ headers }: Answered): string => String(headers['x-payment-use']);
const balanceOf = ({ headers }: Answered): string => String(headers['x-payment-balance']);

test('the example of docs/payments.md: reserved, reported by the command, and what was not used is there again', async (t) => {
  const { gate, ask, pay } = await enter(t);
  const { body } = await ask({});
  assert.deepEqual(JSON.parse(body).buys, { units: 50_000 });
  const token = { 'X-Cashu': await pay.token(1_500) };
  const paid = await ask(token);
  assert.equal(balanceOf(paid), '500;unit=sat;units=46000');
  const command = printed('sh').replace('http://127.0.0.1:8081', gate.adminUrl).replace('use_5cd1…', useOf(paid));
  const run = () =>
    spawnSync('bash', ['-c', command], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], SALLYPORT_USAGE_TOKEN: usageToken },
    });
  const expected = JSON.parse(printed('json').replace('use_5cd1…', useOf(paid)));
  for (const time of ['first', 'again']) assert.deepEqual(JSON.parse(run().stdout), expected, time);
  const next = await ask({ 'X-Payment-Session': String(paid.headers['x-payment-session']) });
  assert.equal(balanceOf(next), `500;unit=sat;units=${50_000 - 532 - 4_000}`);
  assert.notEqual(useOf(next), useOf(paid));
  await until('the report is in the log', () => gate.log().some(({ action }) => action === 'report_units'));
  const { use, units, charged, payment, rule } = gate.log().find(({ action }) => action === 'report_units') ?? {};
  assert.deepEqual([use, units, charged, rule], [useOf(paid), 532, 532, 'models']);
  const line = gate.log().find((one) => one['use'] === use && one['event'] === 'paid');
  assert.equal(line?.['payment'], payment);
});

test('of many requests at once as many are let in as can be paid for; used up is 402 with a challenge', async (t) => {
  const { ask, report, pay } = await enter(t);
  const token = { 'X-Cashu': await pay.token(2_000) };
  const answers = await Promise.all(times(40, () => ask(token)));
  assert.deepEqual(await tally(answers.map(async (one) => one)), { 200: 25, 402: 15 });
  const uses = answers.filter(({ status }) => status === 200).map(useOf);
  assert.equal(new Set(uses).size, 25);
  const charged = await Promise.all(
    uses.map(async (use) => JSON.parse((await report({ use, units: 3_900 })).body).charged),
  );
  assert.deepEqual(new Set(charged), new Set([3_900]));
  const over = await ask(token);
  assert.equal(codeOf(over), 'credit_exhausted');
  assert.match(
    JSON.parse(over.body).detail,
    /used up; 2500 units are left, which is too little\. 1000 sat buy 50000 units/,
  );
  assert.match(String(over.headers['x-cashu']), /^creqA/);
});

test('a report needs a token, and the one for reports opens nothing else', async (t) => {
  const { gate, ask, report, pay } = await enter(t);
  const use = useOf(await ask({ 'X-Cashu': await pay.token(1_000) }));
  const codes: (number | string)[] = [];
  for (const answer of [
    await report({ use, units: 1 }, 'wrong'),
    await report({ user_id: 'u', name: 'n' }, usageToken, '/api/keys'),
    await report({ use, units: 1 }, adminToken),
    await report({ use, units: 2 }),
    await report({ use: `use_${'0'.repeat(32)}`, units: 1 }),
    await report({ use: 'use_1', units: 1 }),
    await report({ use, units: -1 }),
    await report({ use, units: 0.5 }),
    await report({ use, units: 1, more: 1 }),
    await request(gate.adminUrl, '/api/usage/units', { headers: { Authorization: `Bearer ${usageToken}` } }),
  ]) {
    codes.push(answer.status === 200 ? 200 : JSON.parse(answer.body).code);
  }
  const wrong = Array<string>(4).fill('bad_request');
  assert.deepEqual(codes, [
    ...['admin_token_required', 'admin_token_required', 200, 'already_reported', 'not_found'],
    ...wrong,
    'method_not_allowed',
  ]);
});

test('what is not reported in time costs nothing', async (t) => {
  const { ask, pay } = await enter(t, { reportWithin: '1s' });
  const token = { 'X-Cashu': await pay.token(1_000) };
  assert.equal(balanceOf(await ask(token)), '0;unit=sat;units=46000');
  await until('it is there again', async () => balanceOf(await ask(token)) === '0;unit=sat;units=46000', {
    everyMs: 1_100,
  });
});

test('a client that names a use of its own is not heard', async (t) => {
  const { ask, pay } = await enter(t);
  const theirs = { 'X-Payment-Use': `use_${'1'.repeat(32)}` };
  assert.match(useOf(await ask({ ...theirs, 'X-Cashu': await pay.token(1_000) })), /^use_(?!1{32})[0-9a-f]{32}$/);
});
