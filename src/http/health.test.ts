import assert from 'node:assert/strict';
import { test } from 'node:test';
import Koa from 'koa';
import { request } from '../../test/servers/request.ts';
import { createHealth, type HealthOptions, type ReadinessPart } from './health.ts';
import { listen } from './server.ts';

type Owner = { after(cleanUp: () => Promise<void>): void };

const part = (name: string, essential: boolean, check: ReadinessPart['check']): ReadinessPart => ({
  name,
  essential,
  check,
});
const well = async () => undefined;
const ill = async () => 'is down';
const broken = () => Promise.reject(new Error('is broken'));
const thrown = (): never => {
  throw new Error('is broken at once');
};

const start = async (owner: Owner, options: Partial<HealthOptions> = {}) => {
  const app = new Koa();
  const health = createHealth({
    paths: { health: '/health', ready: '/ready', metrics: '/metrics' },
    parts: () => [],
    isStopping: () => false,
    renderMetrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'x 1\n' }),
    ...options,
  });
  app.use(health);
  const server = await listen(app.callback(), { addr: '127.0.0.1:0', readTimeoutMs: 5_000, maxHeaderBytes: 65_536 });
  owner.after(() => server.close(0));
  const url = `http://127.0.0.1:${server.address.port}`;
  return (path: string, method = 'GET') => request(url, path, { method });
};

// biome-ignore format: a table is read by its columns
const table: readonly (readonly [what: string, parts: readonly ReadinessPart[], httpStatus: number, status: string])[] = [
  ['nothing is needed', [], 200, 'ok'],
  ['all is well', [part('store', true, well), part('issuer a', false, well)], 200, 'ok'],
  ['an issuer is down', [part('store', true, well), part('issuer a', false, ill)], 200, 'degraded'],
  ['an issuer’s check fails', [part('issuer a', false, broken)], 200, 'degraded'],
  ['the store is down', [part('store', true, ill), part('issuer a', false, well)], 503, 'failed'],
  ['the store’s check fails', [part('store', true, broken)], 503, 'failed'],
  ['the store’s check fails at once', [part('store', true, thrown)], 503, 'failed'],
  ['both are down', [part('store', true, ill), part('issuer a', false, ill)], 503, 'failed'],
];

for (const [what, parts, httpStatus, status] of table) {
  test(`/ready where ${what} → ${httpStatus} ${status}`, async (t) => {
    const ask = await start(t, { parts: () => parts });
    const answer = await ask('/ready');
    assert.equal(answer.status, httpStatus);
    assert.equal(answer.headers['cache-control'], 'no-store');
    const body = JSON.parse(answer.body);
    assert.equal(body.status, status);
    assert.deepEqual(
      body.parts.map(({ name }: { name: string }) => name),
      parts.map(({ name }) => name),
    );
  });
}

test('/ready says what is wrong with which part', async (t) => {
  const ask = await start(t, { parts: () => [part('store', true, well), part('mint x', false, ill)] });
  assert.deepEqual(JSON.parse((await ask('/ready')).body).parts, [
    { name: 'store', status: 'ok' },
    { name: 'mint x', status: 'degraded', problem: 'is down' },
  ]);
});

test('a part that hangs is told as such, and does not take the answer with it', async (t) => {
  const hanging = part('store', true, () => new Promise(() => undefined));
  const ask = await start(t, { parts: () => [hanging, part('other', false, well)], checkTimeoutMs: 50 });
  const { status, body } = await ask('/ready');
  assert.equal(status, 503);
  assert.deepEqual(JSON.parse(body).parts, [
    { name: 'store', status: 'failed', problem: 'no answer in 50 ms' },
    { name: 'other', status: 'ok' },
  ]);
});

test('while stopping it is not ready, asks nobody, and lives', async (t) => {
  const ask = await start(t, { isStopping: () => true, parts: () => [part('store', true, thrown)] });
  const ready = await ask('/ready');
  assert.deepEqual([ready.status, ready.body], [503, '{"status":"stopping"}']);
  assert.equal((await ask('/health')).status, 200);
});

test('metrics come with their own type', async (t) => {
  const ask = await start(t);
  const { status, headers, body } = await ask('/metrics');
  assert.deepEqual([status, body], [200, 'x 1\n']);
  assert.match(headers['content-type'] ?? '', /^text\/plain; version=0.0.4/);
});

test('HEAD is answered as GET, and nothing else is', async (t) => {
  const ask = await start(t);
  for (const path of ['/health', '/ready', '/metrics']) {
    const head = await ask(path, 'HEAD');
    assert.deepEqual([head.status, head.body], [200, ''], path);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      assert.equal((await ask(path, method)).status, 404, `${method} ${path}`);
  }
  for (const path of ['/health/', '/healthz', '/Health', '/ready/x', '/metrics?x=1']) {
    assert.equal((await ask(path)).status, path.includes('?') ? 200 : 404, path);
  }
});
