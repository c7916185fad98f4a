/** Sessions of a real service: one token for a whole page, top-up, and the end of a session. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { adminToken, runSallyport, startSallyport } from '../sallyport.ts';
import { type Answered, request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { codeOf, tally, times } from './ask.ts';

const enter = async (t: TestContext, price = '8', more = '') => {
  const mint = await startMint({ owner: t });
  const config = `
trusted_proxies: ["127.0.0.1"]
cashu: { mints: ["${mint.url}"]${more} }
rules:
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu], price: ${price} }
  - { name: dear, match: { path: "/dear/**" }, accept: [cashu], price: 100 }
`;
  const gate = await startSallyport({ owner: t, config });
  const ask = (headers: Record<string, string>, path = '/premium/1') =>
    request(gate.url, `/auth/native${path}`, { headers: { Host: 'shop.example.com', ...headers } });
  return { mint, gate, config, ask, pay: createPayer(mint.url) };
};

const sessionIn = ({ headers }: Answered): string => String(headers['x-payment-session']);
const balanceIn = ({ headers }: Answered): string => String(headers['x-payment-balance']);
const withSession = (id: string) => ({ 'X-Payment-Session': id });

test('a page of 100 requests with one token: one swap, one session, and each request debited', async (t) => {
  const { mint, ask, pay } = await enter(t, '{ amount: 8, buys: { requests: 50 } }');
  const token = await pay.token(24);
  const answers = await Promise.all(times(100, (index) => ask({ 'X-Cashu': token }, `/premium/${index}`)));
  assert.deepEqual(await tally(answers.map(async (answer) => answer)), { 200: 100 });
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  const [session = '', ...others] = new Set(answers.map(sessionIn));
  assert.match(session, /^[\w-]{43}$/);
  assert.deepEqual(others, []);
  assert.deepEqual(await tally(times(60, () => ask(withSession(session)))), { 200: 50, 402: 10 });
});

test('the same token again, in a process that follows, is the same session', async (t) => {
  const { gate, ask, pay, config } = await enter(t);
  const token = await pay.token(80);
  const session = sessionIn(await ask({ 'X-Cashu': token }));
  gate.signal('SIGKILL');
  await gate.exited();
  const next = await startSallyport({ owner: t, config, directory: gate.directory });
  const again = await request(next.url, '/auth/native/premium/1', { headers: { 'X-Cashu': token } });
  assert.equal(sessionIn(again), session);
  const drawn = await request(next.url, '/auth/native/premium/1', { headers: withSession(session) });
  assert.equal(balanceIn(drawn), '56;unit=sat');
});

for (const [scheme, name, others] of [
  ['http', 'sallyport-session', '__Host-sallyport-session'],
  ['https', '__Host-sallyport-session', 'sallyport-session'],
] as const) {
  test(`over ${scheme} the cookie is ${name}, and no other counts`, async (t) => {
    const { ask, pay } = await enter(t);
    const proto = { 'X-Forwarded-Proto': scheme };
    const paid = await ask({ 'X-Cashu': await pay.token(80), ...proto });
    const [cookie = '', ...attributes] = (paid.headers['set-cookie']?.[0] ?? '').split('; ');
    assert.equal(cookie, `${name}=${sessionIn(paid)}`);
    const secure = scheme === 'https' ? ['Secure'] : [];
    const days = Number(attributes.shift()?.replace('Max-Age=', '')) / 86_400;
    assert.ok(days > 29.9 && days <= 30, `${days} days`);
    assert.deepEqual(attributes, ['Path=/', 'HttpOnly', 'SameSite=Lax', ...secure]);
    assert.equal((await ask({ Cookie: cookie, ...proto })).status, 200);
    assert.equal(codeOf(await ask({ Cookie: `${others}=${sessionIn(paid)}`, ...proto })), 'payment_required');
  });
}

test('a time pass that was bought with a token is open to its session, for one price', async (t) => {
  const { ask, pay } = await enter(t, '{ amount: 8, buys: { time: 1h } }');
  const session = sessionIn(await ask({ 'X-Cashu': await pay.token(16) }));
  const answers = await Promise.all(times(50, () => ask(withSession(session))));
  assert.deepEqual(new Set(answers.map(balanceIn)), new Set(['8;unit=sat']));
});

test('a further token beside a session adds to its account, also where neither alone would do', async (t) => {
  const { mint, ask, pay } = await enter(t);
  const session = sessionIn(await ask({ 'X-Cashu': await pay.token(68) })); // 60 left
  const little = await pay.token(39);
  const refused = await ask({ 'X-Cashu': little, ...withSession(session) }, '/dear/1');
  assert.equal(codeOf(refused), 'insufficient_payment');
  assert.match(JSON.parse(refused.body).detail, /worth 39 sat, and 60 are left of what was paid before/);
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  const enough = await pay.token(43);
  const added = await ask({ 'X-Cashu': enough, Cookie: `sallyport-session=${session}` }, '/dear/1');
  assert.equal(balanceIn(added), '3;unit=sat');
  assert.equal(codeOf(await ask(withSession(session))), 'credit_exhausted');
  const more = await ask({ 'X-Cashu': await pay.token(16), ...withSession(session) });
  assert.equal(balanceIn(more), '11;unit=sat');
  const statuses: number[] = [];
  for (const headers of [withSession(sessionIn(more)), withSession(session), { 'X-Cashu': enough }]) {
    statuses.push((await ask(headers)).status);
  }
  assert.deepEqual(statuses, [200, 402, 402], 'all of them draw on one account');
  assert.equal(mint.spentAmount(), 68 + 43 + 16);
});

test('a burst with a new token beside a session adds it once', async (t) => {
  const { mint, ask, pay } = await enter(t);
  const session = sessionIn(await ask({ 'X-Cashu': await pay.token(8) }));
  const token = await pay.token(160);
  const headers = { 'X-Cashu': token, ...withSession(session) };
  assert.deepEqual(await tally(times(30, () => ask(headers))), { 200: 20, 402: 10 });
  assert.equal(mint.faults.seen('/v1/swap'), 2);
  assert.equal(mint.spentAmount(), 168);
});

for (const [bought, price] of [
  ['requests', '8'],
  ['time that runs', '{ amount: 8, buys: { time: 1h } }'],
] as const)
  test(`a session for ${bought} is ended by whoever has it, at once; its token opens another`, async (t) => {
    const { gate, ask, pay } = await enter(t, price);
    const token = await pay.token(80);
    const paid = await ask({ 'X-Cashu': token });
    const end = (headers: Record<string, string>, method = 'DELETE') =>
      request(gate.url, '/.sallyport/session', { method, headers });
    assert.deepEqual([(await end({})).status, (await end(withSession('x'), 'GET')).status], [400, 405]);
    assert.equal((await end(withSession('unknown'))).status, 204);
    assert.equal((await ask(withSession(sessionIn(paid)))).status, 200);
    const ended = await end({ Cookie: `a=1; sallyport-session=${sessionIn(paid)}` });
    assert.equal(ended.status, 204);
    assert.match(String(ended.headers['set-cookie']), /^sallyport-session=; Max-Age=0; Path=\//);
    const refused = await ask(withSession(sessionIn(paid)));
    assert.deepEqual([refused.status, codeOf(refused)], [402, 'invalid_session']);
    assert.match(String(refused.headers['x-cashu']), /^creqA/);
    const byCookie = await ask({ Cookie: `sallyport-session=${sessionIn(paid)}` });
    assert.equal(codeOf(byCookie), 'invalid_session');
    const again = await ask({ 'X-Cashu': token });
    assert.notEqual(sessionIn(again), sessionIn(paid));
    assert.equal((await ask(withSession(sessionIn(again)))).status, 200);
  });

test('an operator ends the sessions of a payer: by the API and by the command', async (t) => {
  const { gate, ask, pay } = await enter(t);
  const token = { 'X-Cashu': await pay.token(80) };
  const revoke = (payment: string) =>
    request(gate.adminUrl, `/api/payments/${payment}/sessions`, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${adminToken}` },
    });
  const command = (payment: string) =>
    runSallyport(['sessions', 'revoke', payment, '--config', 'sallyport.yaml'], { cwd: gate.directory });
  const first = sessionIn(await ask(token));
  const settled = () => gate.log().find(({ event }) => event === 'payment_settled');
  await until('it is in the log', () => settled() !== undefined);
  const payment = String(settled()?.['payment']);
  const answer = await revoke(payment);
  assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { payment, closed: 1 }]);
  assert.equal(codeOf(await ask(withSession(first))), 'invalid_session');
  const second = sessionIn(await ask(token));
  assert.equal((await ask(withSession(second))).status, 200);
  assert.deepEqual(command(payment), {
    status: 0,
    stdout: '1 session closed, in a running service within a second; whoever has the token can open another\n',
    stderr: '',
  });
  await until('it is refused', async () => codeOf(await ask(withSession(second))) === 'invalid_session');
  assert.equal(codeOf(await revoke('pay_none')), 'not_found');
  assert.deepEqual([command('pay_none').status, command('pay_none').stdout], [1, '']);
});

test('a source that guesses sessions is held off; an honest one from there is not', async (t) => {
  const { ask, pay } = await enter(t, '{ amount: 8, buys: { time: 1h } }');
  const from = { 'X-Forwarded-For': '203.0.113.7' };
  const session = sessionIn(await ask({ 'X-Cashu': await pay.token(8), ...from }));
  const codes = new Set<string>();
  for (let index = 0; index < 110; index++) codes.add(codeOf(await ask({ ...withSession(`guess-${index}`), ...from })));
  assert.deepEqual([...codes], ['invalid_session', 'too_many_failures']);
  assert.equal((await ask({ ...withSession(session), ...from })).status, 200);
});

test('a session is neither stored nor logged', async (t) => {
  const { gate, ask, pay } = await enter(t);
  const session = sessionIn(await ask({ 'X-Cashu': await pay.token(80) }));
  await ask(withSession(session));
  await ask({ Cookie: `sallyport-session=${session}` });
  const database = new DatabaseSync(join(gate.directory, 'sallyport.db'), { readOnly: true });
  t.after(() => database.close());
  const rows = database.prepare('SELECT * FROM sessions').all();
  assert.equal(rows.length, 1);
  assert.ok(!JSON.stringify(rows).includes(session));
  const { body } = await request(gate.url, '/metrics');
  await until('it is in the log', () => gate.log().some(({ credential }) => credential === 'session'));
  for (const text of [gate.output(), body]) assert.ok(!text.includes(session));
});
