/** What a client meets at each way in, with the manifests and the configuration as they are delivered. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { valuesOf } from '../peers/echo-app.ts';
import { type Asking, request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { ownerOfFile } from './file-owner.ts';
import { fronts, startWorld, type World } from './fronts.ts';

const host = 'shop.example.com';
const owner = ownerOfFile();
let world: World | undefined;
let key = '';
const urls = new Map<string, string>();

const inWorld = (): World => world ?? assert.fail('The world has not started');
const latest = () => inWorld().app.latest() ?? assert.fail('nothing reached the application');

before(async () => {
  world = await startWorld(owner);
  key = (await world.gate.createKey({ user_id: 'alice' })).key;
  for (const { name, start } of fronts.filter(({ options }) => !options.skip)) {
    const { url } = await start(world, owner);
    const known = async () => (await request(url, '/', { headers: { Host: host } })).status !== 404;
    await until(`${name} knows its routes`, known);
    urls.set(name, url);
  }
});

for (const { name, options } of fronts.filter((front) => front.options.skip)) test(name, options, () => {});

for (const { name, named, dearer } of fronts.filter((front) => !front.options.skip)) {
  const ask = (path: string, { headers, ...asking }: Asking = {}) =>
    request(urls.get(name) ?? '', path, { ...asking, headers: { Host: host, ...headers } });

  /** The answer, which must not be the application's. */
  const refused = async (path: string, asking: Asking = {}) => {
    const seen = inWorld().app.seen();
    const answer = await ask(path, asking);
    assert.equal(inWorld().app.seen(), seen, 'it reached the application');
    return answer;
  };

  test(`${name}: a free path is free, and what the client says of itself does not count`, async () => {
    const forged = { 'X-User-ID': 'root', 'x-payment-verified': 'true', 'X-Provisioned-Pod': 'mine' };
    const answer = await ask('/free/a?b=1', { headers: forged });
    assert.equal(answer.status, 200);
    assert.equal(latest().url, '/free/a?b=1');
    assert.deepEqual(valuesOf(latest(), 'X-User-ID').filter(Boolean), []);
    assert.deepEqual(valuesOf(latest(), 'X-Payment-Verified').filter(Boolean), []);
    assert.deepEqual(valuesOf(latest(), 'X-Provisioned-Pod').filter(Boolean), []);
    assert.deepEqual(valuesOf(latest(), 'X-Auth-Method'), ['anonymous']);
  });

  test(`${name}: a header that reads as one of ours to CGI never reaches the application`, async () => {
    const seen = inWorld().app.seen();
    const { status } = await ask('/free/a', { headers: { x_user_id: 'root', 'X_Payment-Verified': 'true' } });
    if (status === 200) {
      assert.deepEqual(
        [...valuesOf(latest(), 'X-User-ID'), ...valuesOf(latest(), 'X-Payment-Verified')].filter(Boolean),
        [],
      );
    } else {
      assert.equal(status, 400);
      assert.equal(inWorld().app.seen(), seen);
    }
  });

  test(`${name}: a key opens, by either header, and ends at the gate`, async () => {
    for (const headers of [{ 'X-API-Key': key }, { Authorization: `Bearer ${key}` }]) {
      assert.equal((await ask('/api/orders', { method: 'POST', body: 'x=1', headers })).status, 200);
      assert.deepEqual(valuesOf(latest(), 'X-User-ID'), ['alice']);
      assert.deepEqual(valuesOf(latest(), 'X-Auth-Method'), ['api_key']);
      assert.deepEqual(
        [...valuesOf(latest(), 'X-API-Key'), ...valuesOf(latest(), 'Authorization')].filter((value) => value !== ''),
        [],
      );
      assert.equal(latest().bodyLength, 3);
    }
  });

  test(`${name}: without a credential 401, whole`, async () => {
    const answer = await refused('/api/orders');
    assert.equal(answer.status, 401);
    assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/);
    assert.equal(JSON.parse(answer.body).code, 'credential_required');
  });

  for (const method of ['GET', 'POST', 'HEAD']) {
    test(`${name}: ${method} without a payment is a true 402, with what it costs`, async () => {
      const answer = await refused('/premium/film?quality=hd&rule=free', {
        method,
        ...(method === 'POST' && { body: 'y=22' }),
      });
      assert.equal(answer.status, 402);
      assert.match(String(answer.headers['x-cashu']), /^creqA/);
      assert.match(String(answer.headers['cache-control']), /no-store/);
      if (method === 'HEAD') return;
      const { error, amount, unit } = JSON.parse(answer.body);
      assert.deepEqual([error, amount, unit], ['Payment Required', 1000, 'sat']);
    });
  }

  test(`${name}: a payment opens, and the money ends at the gate`, async () => {
    const token = await inWorld().payer.token(1000);
    assert.equal((await ask('/premium/film', { headers: { 'X-Cashu': token } })).status, 200);
    assert.deepEqual(valuesOf(latest(), 'X-Payment-Verified'), ['true']);
    assert.deepEqual(valuesOf(latest(), 'X-Payment-Amount'), ['1000']);
    assert.deepEqual(valuesOf(latest(), 'X-Cashu').filter(Boolean), []);
  });

  test(`${name}: a browser gets the page; its form brings a cookie, which opens`, async () => {
    const browser = { Accept: 'text/html,*/*;q=0.8' };
    const page = await refused('/premium/film?quality=hd', { headers: browser });
    assert.equal(page.status, 402);
    assert.match(page.body, /name="to" value="\/premium\/film\?quality=hd"/);
    assert.match(String(page.headers['content-security-policy']), /^default-src 'none'/);
    const body = new URLSearchParams({ token: await inWorld().payer.token(1000), to: '/premium/film' }).toString();
    const headers = { ...browser, 'Content-Type': 'application/x-www-form-urlencoded' };
    const paid = await refused('/.sallyport/pay', { method: 'POST', body, headers });
    assert.deepEqual([paid.status, paid.headers.location], [303, '/premium/film']);
    const [cookie = ''] = (paid.headers['set-cookie']?.[0] ?? '').split(';');
    assert.equal((await ask('/premium/film', { headers: { ...browser, Cookie: cookie } })).status, 200);
    assert.deepEqual(valuesOf(latest(), 'X-Payment-Verified'), ['true']);
  });

  for (const path of ['/.sallyport/../metrics', '/metrics/../.sallyport/pay', '/auth/nginx/../../.sallyport/pay']) {
    test(`${name}: ${path} leads to nothing of Sallyport’s`, async () => {
      const headers = { 'X-Original-URL': 'http://a/free/1', 'X-Original-Method': 'GET', 'X-Code': '401' };
      const answer = await refused(path, { headers });
      assert.ok(answer.status >= 400);
      assert.ok(!/sallyport_decisions_total/.test(answer.body) && answer.headers['x-auth-method'] === undefined);
    });
  }

  test(`${name}: a limit is a true 429, with when to come back`, async () => {
    const { key: slow } = await inWorld().gate.createKey({ user_id: 'bob', rate_limit_per_minute: 1 });
    const headers = { 'X-API-Key': slow };
    assert.equal((await ask('/api/orders', { headers })).status, 200);
    const answer = await refused('/api/orders', { headers });
    assert.equal(answer.status, 429);
    assert.ok(Number(answer.headers['retry-after']) > 0);
    assert.equal(answer.headers['x-ratelimit-limit'], '1');
  });

  test(`${name}: what no rule allows is refused`, async () => {
    const answer = await refused('/anything');
    assert.equal(answer.status, 403);
    assert.equal(JSON.parse(answer.body).code, 'no_rule');
  });

  test(`${name}: headers that proxies set are not the client's to set`, async () => {
    const headers = {
      'X-Original-URI': '/free/a',
      'X-Original-Method': 'GET',
      'X-Code': '404',
      'X-Forwarded-Uri': '/free/a',
    };
    assert.equal((await refused('/premium/film', { headers })).status, 402);
  });

  for (const status of [401, 403, 404, 503]) {
    test(`${name}: the application's own ${status} stays its own`, async () => {
      const answer = await ask(`/free/status/${status}`);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['x-answered-by'], 'echo-app');
    });
  }

  if (dearer) {
    test(`${name}: what is dearer is asked and taken, however it is spelled and whatever the client says`, async () => {
      const { path, amount } = dearer;
      const asked = async (target: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> => {
        const answer = await refused(target, { headers });
        return [answer.status, JSON.parse(answer.body).amount];
      };
      assert.deepEqual(await asked(path), [402, amount]);
      assert.deepEqual(await asked(path.replace('plus', '%70lus')), [402, amount]);
      assert.deepEqual(await asked(path, { 'X-Required-Amount': '1' }), [402, amount]);
      assert.deepEqual(await asked('/premium/film', { 'X-Required-Amount': '9000' }), [402, 1000]);
      const little = await inWorld().payer.token(amount - 1);
      assert.deepEqual(await asked(path, { 'X-Cashu': little }), [402, amount]);
      const enough = await inWorld().payer.token(amount);
      assert.equal((await ask(path, { headers: { 'X-Cashu': enough } })).status, 200);
      assert.deepEqual(valuesOf(latest(), 'X-Payment-Amount'), [String(amount)]);
      assert.deepEqual(valuesOf(latest(), 'X-Cashu').filter(Boolean), []);
    });
  }

  if (named) {
    test(`${name}: a route that names its rule goes by it, whatever the path`, async () => {
      const answer = await refused('/reports/today?rule=free');
      assert.equal(answer.status, named.rule === 'api' ? 401 : 402);
      if (named.whole) assert.equal(JSON.parse(answer.body).amount, 1000);
      else assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/);
      assert.equal((await ask('/reports/today', { headers: { 'X-API-Key': key } })).status, 200);
      assert.deepEqual(valuesOf(latest(), 'X-User-ID'), ['alice']);
    });
  }
}
