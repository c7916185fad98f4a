/** The form of the payment page at a real service: a token becomes credit, and what it opens is debited later. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { answering } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { startSallyport } from '../sallyport.ts';
import { type Answered, request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { codeOf, tally, times } from './ask.ts';

type Headers = Readonly<Record<string, string>>;

const enter = async (t: TestContext) => {
  const mint = await startMint({ owner: t });
  const stranger = await startMint({ owner: t });
  const config = `
trusted_proxies: ["127.0.0.1"]
cashu: { mints: ["${mint.url}"] }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: keys, match: { path: "/keys/**" }, accept: [api_key] }
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu], price: { amount: 8, buys: { requests: 2 } } }
  - { name: slow, match: { path: "/slow/**" }, accept: [cashu], price: 8, limits: { per_day: 3 } }
  - { name: tried, match: { path: "/tried/**" }, accept: [cashu], price: 8, free: { requests: 1, per: 1d } }
`;
  const gate = await startSallyport({ owner: t, config });

  const post = (fields: Record<string, string> | string, headers: Headers = {}) => {
    const body = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const own = { Host: 'shop.example.com', 'X-Forwarded-For': '203.0.113.7' };
    return request(gate.url, '/.sallyport/pay', { method: 'POST', body, headers: { ...own, ...type, ...headers } });
  };
  const ask = (headers: Headers, path = '/premium/1') =>
    request(gate.url, `/auth/native${path}`, {
      headers: { Host: 'shop.example.com', 'X-Forwarded-For': '203.0.113.7', ...headers },
    });
  return { mint, gate, post, ask, pay: createPayer(mint.url), stranger: createPayer(stranger.url) };
};

const cookieOf = ({ headers }: Answered): string => (headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
const balanceOf = ({ headers }: Answered) => headers['x-payment-balance'];

test('a token handed in brings a cookie and the way back, and its credit is whole until that way is taken', async (t) => {
  const { mint, post, ask, pay } = await enter(t);
  const token = await pay.token(24);
  const paid = await post({ token, to: '/premium/a%20film?x=1&y=%2F' });
  assert.equal(paid.status, 303);
  assert.equal(paid.headers.location, '/premium/a%20film?x=1&y=%2F');
  assert.match(
    String(paid.headers['set-cookie']),
    /^sallyport-session=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/,
  );
  assert.equal(paid.headers['cache-control'], 'no-store');
  assert.equal(paid.body, '');
  assert.equal(mint.spentAmount(), 24);
  const opened = await ask({ Cookie: cookieOf(paid) });
  assert.deepEqual([opened.status, balanceOf(opened)], [200, '16;unit=sat']);
});

test('over https the cookie is for this host alone, and secure', async (t) => {
  const { post, pay } = await enter(t);
  const paid = await post({ token: await pay.token(8), to: '/premium/1' }, { 'X-Forwarded-Proto': 'https' });
  assert.match(
    String(paid.headers['set-cookie']),
    /^__Host-sallyport-session=\S+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  );
});

test('handed in again and again, also at once, a token is redeemed once and opens one session', async (t) => {
  const { mint, post, ask, pay } = await enter(t);
  const token = await pay.token(8);
  const answers = await Promise.all(
    times(20, () => post({ token: `cashu:${token.slice(0, 40)}\r\n ${token.slice(40)} `, to: '/premium/1' })),
  );
  assert.deepEqual(await tally(answers.map(async (answer) => answer)), { 303: 20 });
  assert.equal(new Set(answers.map(cookieOf)).size, 1);
  assert.equal(mint.faults.seen('/v1/swap'), 1);
  const [first] = answers;
  const statuses = [];
  for (const _ of [1, 2, 3]) statuses.push((await ask({ Cookie: first ? cookieOf(first) : '' })).status);
  assert.deepEqual(statuses, [200, 200, 402], 'two requests were bought, and none was lost on the way');
  assert.equal(codeOf(await post({ token, to: '/premium/1' })), 'credit_exhausted');
});

test('neither a limit nor a free request is used up', async (t) => {
  const { mint, post, ask, pay } = await enter(t);
  const token = await pay.token(80);
  const answers = await Promise.all(times(10, () => post({ token, to: '/tried/1' })));
  assert.deepEqual(await tally(answers.map(async (answer) => answer)), { 303: 10 });
  const free = await ask({}, '/tried/1');
  assert.deepEqual([free.status, free.headers['x-auth-method']], [200, 'anonymous']);
  assert.deepEqual(await tally(times(10, () => post({ token, to: '/slow/1' }))), { 303: 10 });
  assert.deepEqual(await tally(times(4, () => ask({ 'X-Cashu': token }, '/slow/1'))), { 200: 3, 429: 1 });
  const held = await post({ token: await pay.token(8), to: '/slow/1' });
  assert.deepEqual(
    [codeOf(held), mint.spentAmount()],
    ['rate_limited', 80],
    'a limit that is reached is told before it pays',
  );
});

test('beside a session that is used up, a token adds to its account', async (t) => {
  const { post, ask, pay } = await enter(t);
  const first = await post({ token: await pay.token(15), to: '/premium/1' });
  await ask({ Cookie: cookieOf(first) });
  const more = await post({ token: await pay.token(2), to: '/tried/1' }, { Cookie: cookieOf(first) });
  assert.equal(more.status, 303);
  assert.equal(balanceOf(await ask({ Cookie: cookieOf(more) }, '/tried/1')), '1;unit=sat');
});

test('a price that the form raises must be met; one that it lowers is the rule’s', async (t) => {
  const { mint, post, pay } = await enter(t);
  const token = await pay.token(9);
  assert.equal(codeOf(await post({ token, to: '/premium/1', amount: '10' })), 'insufficient_payment');
  assert.equal(
    codeOf(await post({ token: await pay.token(7), to: '/premium/1', amount: '1' })),
    'insufficient_payment',
  );
  assert.equal(codeOf(await post({ token, to: '/premium/1', amount: '-1' })), 'ambiguous_amount');
  assert.equal(mint.spentAmount(), 0);
  assert.equal((await post({ token, to: '/premium/1', amount: '9' })).status, 303);
});

for (const [title, to] of [
  ['nowhere', ''],
  ['another site', 'https://evil.example/premium/1'],
  ['another site, without its scheme', '//evil.example/premium/1'],
  ['another site, by a backslash', '/\\evil.example/premium/1'],
  ['another site, by an escaped slash', '/%2fevil.example'],
  ['another site, by a dot segment', '/.//evil.example'],
  ['a script', 'javascript:alert(1)'],
  ['a path that is none', 'premium/1'],
  ['a path above', '/free/../premium/1'],
  ['a NUL', '/premium/1\0'],
  ['a query with a letter that no URL has', '/premium/1?ü'],
] as const) {
  test(`a way back to ${title} is refused, and the token not touched`, async (t) => {
    const { mint, post, pay } = await enter(t);
    const answer = await post({ token: await pay.token(8), to });
    assert.deepEqual([answer.status, codeOf(answer)], [400, 'ambiguous_path']);
    assert.equal(answer.headers.location, undefined);
    assert.equal(mint.spentAmount(), 0);
  });
}

test('line breaks in the way back do not reach a header', async (t) => {
  const { post, pay } = await enter(t);
  const answer = await post({ token: await pay.token(8), to: '/premium/1?a\r\nSet-Cookie: b=1' });
  assert.deepEqual([answer.status, answer.headers.location], [303, '/premium/1?aSet-Cookie:b=1']);
  assert.equal(answer.headers['set-cookie']?.length, 1);
});

for (const [title, headers, expected] of [
  ['the page itself', { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://shop.example.com' }, 303],
  ['the page itself, in a browser that says no more', { Origin: 'http://shop.example.com:8000' }, 303],
  ['no browser', {}, 303],
  ['another site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }, 403],
  ['another host of the site', { 'Sec-Fetch-Site': 'same-site', Origin: 'https://blog.example.com' }, 403],
  ['another site, in an older browser', { Origin: 'https://evil.example' }, 403],
  ['a name that only begins like ours', { Origin: 'https://shop.example.com.evil.example' }, 403],
  ['a page that hides where it is from', { Origin: 'null' }, 403],
  ['our host without TLS, to it with TLS', { Origin: 'http://shop.example.com', 'X-Forwarded-Proto': 'https' }, 403],
] as const) {
  test(`a form that ${title} sent is answered ${expected}`, async (t) => {
    const { mint, post, pay } = await enter(t);
    const answer = await post({ token: await pay.token(8), to: '/premium/1' }, headers);
    assert.equal(answer.status, expected);
    assert.equal(mint.spentAmount(), expected === 303 ? 8 : 0);
    if (expected === 403) assert.deepEqual([codeOf(answer), answer.headers['set-cookie']], ['cross_site', undefined]);
  });
}

test('what is no such form is refused', async (t) => {
  const { gate, post, pay } = await enter(t);
  const token = await pay.token(8);
  const form = { token, to: '/premium/1' };
  const answers = [
    await post(JSON.stringify(form), { 'Content-Type': 'application/json' }),
    await post(`token=${token}&token=${token}&to=/premium/1`),
    await post({ ...form, more: 'x'.repeat(300_000) }),
    await post({ ...form, token: `${token},${token}` }),
    await post(form, { 'X-Cashu': await pay.token(8) }),
    await request(gate.url, `/.sallyport/pay?token=${token}&to=/premium/1`),
  ];
  assert.deepEqual(
    answers.map((answer) => [answer.status, codeOf(answer)]),
    [
      [415, 'unsupported_media_type'],
      [400, 'bad_request'],
      [413, 'body_too_large'],
      [400, 'ambiguous_credentials'],
      [400, 'ambiguous_credentials'],
      [405, 'method_not_allowed'],
    ],
  );
  assert.equal((await post(form)).status, 303, 'and the token is as good as before');
});

test('a token that does not pay is refused for the reason that the gate itself would give', async (t) => {
  const { mint, post, ask, pay, stranger } = await enter(t);
  const spent = await pay.token(8);
  const cases = {
    malformed_payment: 'cashuBrubbish',
    wrong_mint: await stranger.token(8),
    insufficient_payment: await pay.token(7),
    payment_required: '',
  };
  for (const [code, token] of Object.entries(cases)) {
    assert.equal(codeOf(await post({ token, to: '/premium/1' })), code);
    if (token !== '') assert.equal(codeOf(await ask({ 'X-Cashu': token })), code);
  }
  assert.equal(codeOf(await post({ token: spent, to: '/nothing' })), 'no_rule');
  assert.equal(codeOf(await post({ token: spent, to: '/keys/1' })), 'credential_required');
  assert.equal((await post({ token: spent, to: '/free/1' })).status, 303, 'where nothing is asked, nothing is taken');
  assert.equal(mint.spentAmount(), 0);
});

test('while the mint does not know, the same token may be handed in again, and counts once', async (t) => {
  const { mint, post, pay } = await enter(t);
  mint.faults.set('/v1/swap', answering(500), { times: 2 });
  const form = { token: await pay.token(8), to: '/premium/1' };
  const answer = await post(form);
  assert.deepEqual([answer.status, codeOf(answer)], [503, 'payment_uncertain']);
  assert.ok(Number(answer.headers['retry-after']) > 0);
  await until('it is paid', async () => (await post(form)).status === 303, { everyMs: 500 });
  assert.equal(mint.spentAmount(), 8);
});

test('a source that hands in one worthless token after another is held off', async (t) => {
  const { post } = await enter(t);
  const codes = new Set<string>();
  for (const index of times(110, (at) => at))
    codes.add(codeOf(await post({ token: `cashuBrubbish${index}`, to: '/premium/1' })));
  assert.deepEqual([...codes], ['malformed_payment', 'too_many_failures']);
});

test('neither token nor session is logged', async (t) => {
  const { gate, post, pay } = await enter(t);
  const tokens = [await pay.token(8), await pay.token(7)];
  const answers = await Promise.all(tokens.map((token) => post({ token, to: '/premium/1' })));
  const session = cookieOf(answers[0] ?? assert.fail()).split('=')[1] ?? assert.fail();
  const { body: metrics } = await request(gate.url, '/metrics');
  assert.match(metrics, /sallyport_decisions_total\{rule="premium",dialect="page",method="cashu",outcome="allow"\} 1/);
  for (const secret of [...tokens, session]) {
    for (const text of [gate.output(), metrics]) assert.ok(!text.includes(secret));
  }
});
