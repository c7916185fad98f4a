import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Asking, request } from '../../../test/servers/request.ts';
import { Secret } from '../../core/secret.ts';
import type { KeyRegistry } from '../../keys/registry.ts';
import { createFailureThrottle } from '../../stores/memory/failure-throttle.ts';
import { listen } from '../server.ts';
import { type AdminEvent, type AdminOptions, createAdminApp } from './admin-app.ts';
import { createKeyLifeCalls } from './key-life.ts';
import { createKeyCalls } from './keys.ts';

type Owner = { after(cleanUp: () => Promise<void>): void };

const authorization = 'Bearer admin-token-of-the-tests';

const broken = (): never => {
  throw new Error('disk I/O error: canary');
};
const brokenKeys: KeyRegistry = {
  create: async () => broken(),
  list: async () => broken(),
  get: async () => broken(),
  identify: async () => broken(),
  update: async () => broken(),
  setDisabled: async () => broken(),
  rotate: async () => broken(),
  importAll: async () => broken(),
  revoke: async () => broken(),
  find: () => undefined,
  forget: () => undefined,
  forgetAll: () => undefined,
};

const callsOf = (registry: KeyRegistry) => {
  const parts = { registry, defaults: { rateLimitPerMinute: undefined, rateLimitPerDay: undefined }, now: Date.now };
  return [...createKeyCalls(parts), ...createKeyLifeCalls(parts)];
};

const start = async (owner: Owner, options: Partial<AdminOptions> = {}) => {
  const events: AdminEvent[] = [];
  const errors: unknown[] = [];
  const app = createAdminApp({
    token: new Secret('admin-token-of-the-tests'),
    endpoints: callsOf({ ...brokenKeys, list: async () => ({ records: [], next: undefined }) }),
    onChange: (event) => events.push(event),
    onError: (error) => errors.push(error),
    ...options,
  });
  const server = await listen(app.callback(), { addr: '127.0.0.1:0', readTimeoutMs: 5_000, maxHeaderBytes: 65_536 });
  owner.after(() => server.close(0));
  const ask = (path: string, { headers = {}, ...asking }: Asking = {}) =>
    request(`http://127.0.0.1:${server.address.port}`, path, { ...asking, headers: { authorization, ...headers } });
  return { ask, events, errors };
};

test('a store that fails is 503 with a problem document, told to the log and not to the caller', async (t) => {
  const { ask, errors, events } = await start(t, { endpoints: callsOf(brokenKeys) });
  const headers = { 'content-type': 'application/json' };
  for (const answer of [
    await ask('/api/keys/u'),
    await ask('/api/keys/key_1', { method: 'DELETE' }),
    await ask('/api/keys', { method: 'POST', headers, body: '{"user_id":"u","name":"n"}' }),
  ]) {
    assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1']);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.equal(JSON.parse(answer.body).code, 'store_unavailable');
    assert.ok(!answer.body.includes('canary'));
  }
  assert.equal(errors.length, 3);
  assert.deepEqual(events, []);
});

test('a token may have spaces and letters of any script', async (t) => {
  const secret = 'päss wörd der Verwaltung 大';
  const { ask } = await start(t, { token: new Secret(secret) });
  const bytes = Buffer.from(`Bearer ${secret}`).toString('latin1');
  assert.equal((await ask('/api/keys/u', { headers: { authorization: bytes } })).status, 200);
  assert.equal((await ask('/api/keys/u', { headers: { authorization: 'Bearer päss' } })).status, 401);
});

test('wrong tokens are told to the log without the token', async (t) => {
  const { ask, events } = await start(t);
  assert.equal((await ask('/api/keys/u', { headers: { authorization: 'Bearer canary' } })).status, 401);
  assert.deepEqual(events, [{ action: 'refused', code: 'admin_token_required', status: 401, client_ip: '127.0.0.1' }]);
});

test('after too many wrong tokens an address is not listened to for a minute, and the right token is not told from them', async (t) => {
  let nowMs = 0;
  const { ask } = await start(t, { throttle: createFailureThrottle(3, () => nowMs) });
  const statuses: number[] = [];
  for (let time = 0; time < 5; time++)
    statuses.push((await ask('/x', { headers: { authorization: 'Bearer no' } })).status);
  assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
  const right = await ask('/api/keys/u');
  assert.deepEqual([right.status, right.headers['retry-after']], [429, '60']);
  nowMs += 60_000;
  assert.equal((await ask('/api/keys/u')).status, 200);
});

test('without a token, which takes a flag at the start, nobody is asked for one', async (t) => {
  const { ask } = await start(t, { token: undefined });
  assert.equal((await ask('/api/keys/u', { headers: { authorization: '' } })).status, 200);
});
