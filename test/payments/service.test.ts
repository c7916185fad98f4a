/** The service as a process, paid over HTTP with money of a genuine mint. */
import assert from 'node:assert/strict';
import { Agent, request as send } from 'node:http';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { droppedBefore, hold } from '../peers/faults.ts';
import { type FaultyMint, startMint } from '../peers/mint.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { until } from '../servers/until.ts';
import { ask, codeOf, tally, times } from './ask.ts';

type Scene = Readonly<{ mint: FaultyMint; gate: Sallyport; pay: ReturnType<typeof createPayer>; config: string }>;

const enter = async (t: TestContext, price = '8', cashu = ''): Promise<Scene> => {
  const mint = await startMint({ owner: t });
  const config = `
cashu: { mints: ["${mint.url}"]${cashu} }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu, api_key], price: ${price} }
`;
  return { mint, gate: await startSallyport({ owner: t, config }), pay: createPayer(mint.url), config };
};

test('a token of version 3 or 4 opens in every header that may carry it, and is taken off', async (t) => {
  const { gate, pay, mint } = await enter(t);
  const headers = [
    { header: 'X-Cashu' },
    { header: 'Authorization', prefix: 'Bearer ' },
    { header: 'Authorization', prefix: 'Cashu ' },
    { header: 'authorization', prefix: 'bearer cashu:' },
  ];
  for (const version of [3, 4] as const) {
    for (const header of headers) {
      const token = await pay.token(8, { version });
      const { status, headers: answered } = await ask(gate.url, token, header);
      assert.equal(status, 200);
      assert.equal(answered['x-payment-verified'], 'true');
      assert.equal(answered['x-payment-amount'], '8');
      assert.equal(answered['x-payment-balance'], '0;unit=sat');
      const again = await ask(gate.url, token, header);
      assert.equal(codeOf(again), 'credit_exhausted');
      assert.match(String(again.headers['x-cashu']), /^creqA/);
    }
  }
  assert.equal(mint.spentAmount(), 64);
});

test('200 requests that race with one token over HTTP: as many 200s as were bought, the others 402', async (t) => {
  const { gate, pay, mint } = await enter(t, '{ amount: 8, buys: { requests: 60 } }');
  const token = await pay.token(8);
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  t.after(() => agent.destroy());
  assert.deepEqual(await tally(times(200, () => ask(gate.url, token, { agent }))), { 200: 60, 402: 140 });
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  assert.equal(mint.spentAmount(), 8);
});

test('the same through two service processes on one database file', async (t) => {
  const { gate, pay, mint, config } = await enter(t, '{ amount: 8, buys: { requests: 60 } }');
  const other = await startSallyport({ owner: t, config, directory: gate.directory });
  const tokens = await Promise.all(times(3, () => pay.token(8)));
  const gates = [gate, other];
  const counts = await Promise.all(
    tokens.map((token) => tally(times(200, (index) => ask(gates[index % 2]?.url ?? '', token)))),
  );
  assert.deepEqual(
    counts,
    times(3, () => ({ 200: 60, 402: 140 })),
  );
  assert.equal(mint.faults.seen('/v1/swap'), 3);
  assert.equal(mint.spentAmount(), 24);
});

for (const when of ['before', 'after'] as const) {
  test(`killed while the mint holds the swap, ${when} it has acted: the same token opens the next process`, async (t) => {
    const { gate, pay, mint, config } = await enter(t, '8', ', request_timeout: 1s');
    const token = await pay.token(8);
    const held = hold(when);
    mint.faults.set('/v1/swap', held.fault, { times: 1 });
    const lost = ask(gate.url, token);
    await until('the mint has the swap', () => held.waiting() === 1);
    gate.signal('SIGKILL');
    await assert.rejects(lost);
    await gate.exited();
    mint.faults.set('/v1/swap', droppedBefore, { times: 1 });
    held.release();
    const next = await startSallyport({ owner: t, config, directory: gate.directory });
    let answer = await ask(next.url, token);
    // What the last process held is free again after its lease; until then it is "not yet", never 402.
    await until(
      'it is settled',
      async () => {
        if (answer.status === 200) return true;
        assert.equal(codeOf(answer), 'payment_uncertain');
        assert.ok(Number(answer.headers['retry-after']) > 0);
        answer = await ask(next.url, token);
        return answer.status === 200;
      },
      { deadlineMs: 30_000, everyMs: 1_000 },
    );
    assert.equal(mint.spentAmount(), 8);
    assert.equal(codeOf(await ask(next.url, token)), 'credit_exhausted');
  });
}

test('killed in the middle of a payment whose caller never comes back: the next process ends it by itself, and says so', async (t) => {
  const { gate, pay, mint, config } = await enter(t, '8', ', request_timeout: 1s');
  const held = hold('after');
  mint.faults.set('/v1/swap', held.fault, { times: 1 });
  const token = await pay.token(8);
  const lost = ask(gate.url, token);
  await until('the mint has acted', () => held.waiting() === 1);
  gate.signal('SIGKILL');
  await assert.rejects(lost);
  await gate.exited();
  held.release();
  const next = await startSallyport({ owner: t, config, directory: gate.directory });
  const metrics = async () => (await fetch(`${next.url}/metrics`)).text();
  await until('it is seen', async () => /^sallyport_payments_prepared 1$/m.test(await metrics()));
  assert.match(await metrics(), /^sallyport_payments_prepared_oldest_seconds [\d.]+$/m);
  const recovered = () => next.log().find(({ event }) => event === 'payment_recovered');
  await until('it is settled', () => recovered() !== undefined, { deadlineMs: 30_000 });
  assert.deepEqual([recovered()?.['result'], recovered()?.['mint']], ['settled', mint.url]);
  await until('nothing is left', async () => /^sallyport_payments_prepared 0$/m.test(await metrics()));
  assert.match(await metrics(), /^sallyport_payments_recovered_total\{mint="[^"]+",result="settled"\} 1$/m);
  assert.equal(mint.spentAmount(), 8);
  assert.equal(codeOf(await ask(next.url, token)), 'paid', 'and whoever has the token still has what it bought');
});

test('a caller who goes away does not stop the redemption, and loses nothing of it', async (t) => {
  const { gate, pay, mint } = await enter(t);
  const token = await pay.token(8);
  const held = hold('before');
  mint.faults.set('/v1/swap', held.fault, { times: 1 });
  const outgoing = send(`${gate.url}/auth/native/premium/1`, { headers: { 'X-Cashu': token } });
  outgoing.on('error', () => undefined);
  outgoing.end();
  await until('the mint has the swap', () => held.waiting() === 1);
  outgoing.destroy();
  held.release();
  await until('it is settled', () => gate.log().some(({ event }) => event === 'payment_settled'));
  assert.equal(mint.spentAmount(), 8);
  assert.ok(['paid', 'credit_exhausted'].includes(codeOf(await ask(gate.url, token))));
});

test('a mint that is down when the service starts: 503 with Retry-After, the rest works; 200 when it is up', async (t) => {
  const mint = await startMint({ owner: t });
  const token = await createPayer(mint.url).token(8);
  await mint.outage();
  const gate = await startSallyport({
    owner: t,
    config: `
cashu: { mints: ["${mint.url}"] }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu, api_key], price: 8 }
`,
  });
  const { key } = await gate.createKey();
  const answer = await ask(gate.url, token);
  assert.deepEqual([answer.status, codeOf(answer), answer.headers['retry-after']], [503, 'payment_uncertain', '5']);
  assert.equal((await ask(gate.url, key, { header: 'X-API-Key' })).status, 200);
  assert.equal((await ask(gate.url, '', { path: '/free/1', header: 'X-Nothing' })).status, 200);
  assert.equal((await ask(gate.url, '', { header: 'X-Nothing' })).status, 402);
  const ready = (await (await fetch(`${gate.url}/ready`)).json()) as { status: string };
  assert.equal(ready.status, 'degraded');
  await mint.recover();
  await until('it is paid', async () => (await ask(gate.url, token)).status === 200, {
    deadlineMs: 15_000,
    everyMs: 500,
  });
  assert.equal(mint.spentAmount(), 8);
});

test('a source that sends one worthless token after another is held off', async (t) => {
  const { gate, pay, mint } = await enter(t);
  const [proof] = await pay.proofs(8);
  const forge = (index: number): string => {
    const coin = { id: proof?.id, amount: 8, secret: `forged ${index}`, C: proof?.C };
    return `cashuA${Buffer.from(JSON.stringify({ token: [{ mint: mint.url, proofs: [coin] }] })).toString('base64url')}`;
  };
  const answers: string[] = [];
  for (let index = 0; index < 110; index++) answers.push(codeOf(await ask(gate.url, forge(index))));
  assert.deepEqual([...new Set(answers)], ['payment_rejected', 'too_many_failures']);
  assert.equal(mint.faults.seen('/v1/swap'), answers.indexOf('too_many_failures'));
  const token = await pay.token(8);
  assert.equal(codeOf(await ask(gate.url, token)), 'too_many_failures');
  assert.equal(codeOf(await ask(gate.url, token, { from: '203.0.113.8' })), 'paid');
  assert.equal(codeOf(await ask(gate.url, token)), 'credit_exhausted', 'a token that is known is served');
});
