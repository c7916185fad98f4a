/** What clients and the application get to see, through every proxy. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Echo, valuesOf } from '../peers/echo-app.ts';
import { type Answered, request } from '../servers/request.ts';
import { type Case, casesOf } from './cases.ts';
import { openHouse } from './house.ts';
import { type Front, type Fronted, lineUp } from './line-up.ts';

const house = await openHouse({ after });
const cases = await casesOf(house);
const credentialHeaders = ['authorization', 'x-api-key', 'x-cashu', 'x-payment-session', 'cookie'];

/** What callers are told of their limits. */
const limits: Readonly<Record<string, RegExp>> = {
  'x-ratelimit-limit': /^\d+$/,
  'x-ratelimit-remaining': /^\d+$/,
  'x-ratelimit-reset': /^\d+$/,
  ratelimit: /^"(key|rule)-\d+s";r=\d+;t=\d+$/,
  'ratelimit-policy': /^"key-60s";q=\d+;w=60, "key-86400s";q=\d+;w=86400(, "rule-86400s";q=1;w=86400)?$/,
};

function assertLimits(answer: Answered, told: boolean): void {
  for (const [name, pattern] of Object.entries(limits)) {
    if (told) assert.match(String(answer.headers[name]), pattern, name);
    else assert.equal(answer.headers[name], undefined, name);
  }
}

const distinct = (value: string | string[] | undefined) =>
  new Set(String(value ?? '').split(/, (?=Bearer|Basic|Cashu)/));

function assertAllowed({ identity = {}, keeps = {} }: Case, sent: Readonly<Record<string, string>>, echo: Echo): void {
  for (const name of [...house.managed, ...credentialHeaders]) {
    const expected = identity[name] ?? keeps[name] ?? '';
    assert.deepEqual(valuesOf(echo, name).join(), expected, name);
  }
  const kept = Object.values(keeps);
  for (const value of Object.values(sent).filter((one) => !kept.includes(one))) {
    const secret = value.replace(/^Bearer /, '');
    assert.ok(!echo.rawHeaders.some((one) => one.includes(secret)), 'the credential reached the application');
  }
}

function assertRefused({ status, code, told = {}, method }: Case, answer: Answered, proxy: Fronted): void {
  assert.equal(answer.headers['x-answered-by'], undefined, 'the application answered');
  for (const [name, pattern] of Object.entries(told)) assert.match(String(answer.headers[name]), pattern, name);
  if (!told['retry-after']) assert.equal(answer.headers['retry-after'], undefined);
  assertLimits(answer, code === 'rate_limited');
  assert.equal(distinct(answer.headers['www-authenticate']).size, 1);
  if (status >= 500 && proxy.hidesFailures) return;
  if (method === 'HEAD') {
    assert.equal(answer.body, '');
    return;
  }
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const problem = JSON.parse(answer.body);
  assert.equal(problem.status, status);
  if (!proxy.bodiless) assert.equal(problem.code, code);
}

async function ask(front: Front, proxy: Fronted, asked: Case): Promise<void> {
  const { path, method = 'GET', status, code } = asked;
  const headers = (await asked.headers?.()) ?? {};
  const seen = house.app.seen();
  const answer = await request(front.url, path, { method, headers });
  assert.equal(answer.status, status, answer.body);
  assert.equal(house.app.seen() - seen, code === undefined ? 1 : 0, 'requests that reached the application');
  if (code !== undefined) return assertRefused(asked, answer, proxy);
  const echo = house.app.latest();
  assert.ok(echo);
  assert.deepEqual([echo.method, echo.url], [method, path]);
  assertAllowed(asked, headers, echo);
  if (proxy.tellsCookiesAlone) return;
  assertLimits(answer, asked.identity?.['x-auth-method'] === 'api_key');
  for (const name of ['x-payment-balance', 'x-credits-remaining']) {
    assert.match(String(answer.headers[name] ?? ''), asked.told?.[name] ?? /^$/, name);
  }
}

for (const proxy of lineUp) {
  test(proxy.name, { skip: proxy.skip }, async (t) => {
    const front = await proxy.start(house.ports, t);

    for (const asked of cases) {
      await t.test(`${asked.title} → ${asked.status} ${asked.code ?? ''}`, () => ask(front, proxy, asked));
    }

    for (const status of [201, 302, 400, 401, 402, 403, 404, 429, 500, 503]) {
      await t.test(`the application's own ${status} is left alone`, async () => {
        const own = await request(house.app.url, '/free/1', { headers: { 'X-Answer-Status': String(status) } });
        const answer = await request(front.url, '/free/1', { headers: { 'X-Answer-Status': String(status) } });
        assert.equal(answer.status, status);
        assert.equal(JSON.parse(answer.body).url, JSON.parse(own.body).url);
        for (const name of ['x-answered-by', 'www-authenticate', 'content-type'])
          assert.equal(answer.headers[name], own.headers[name], name);
      });
    }

    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      await t.test(`${method} reaches the application as ${method}, and only where its own rule allows`, async () => {
        const path = '/read/1?a=%20b&c';
        const seen = house.app.seen();
        const { status } = await request(front.url, path, { method });
        const open = method === 'GET' || method === 'HEAD';
        assert.equal(status, open ? 200 : 401);
        assert.equal(house.app.seen() - seen, open ? 1 : 0);
        const { key } = await house.gate.createKey();
        await request(front.url, '/orders/1', { method, headers: { 'X-API-Key': key } });
        assert.equal(house.app.latest()?.method, method);
      });
    }
  });
}
