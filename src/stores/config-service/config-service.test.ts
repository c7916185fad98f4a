import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  answering,
  badJson,
  cutShort,
  droppedBefore,
  hold,
  hugeBody,
  redirected,
  withFaults,
} from '../../../test/peers/faults.ts';
import { json, listen } from '../../../test/peers/loopback.ts';
import { until } from '../../../test/servers/until.ts';
import { isRefusal } from '../../core/refusal.ts';
import { Secret } from '../../core/secret.ts';
import type { Credentials } from '../../egress/resolver/credential-source.ts';
import { createOutbound } from '../outbound/exchange.ts';
import { createConfigService, urlFor } from './config-service.ts';

type Owner = { after(cleanUp: () => Promise<void>): void };

const sandbox = (tenant: string, team = 'red') => ({ tenant, team, sandbox: 'sb' });

const canary = 'canary-of-a-tenant';

/** A config service that knows everybody's key by its tenant and team, but nobody called `nobody`. */
const start = async (owner: Owner, changes: Partial<Parameters<typeof createConfigService>[0]> = {}) => {
  let nowMs = 1_000_000;
  const failures: boolean[] = [];
  let asked: string | undefined;
  const { respond, faults } = withFaults(({ url, header }) => {
    asked = header('authorization');
    const { searchParams } = new URL(url, 'http://x');
    const [tenant, team] = [searchParams.get('tenant'), searchParams.get('team')];
    if (tenant === 'nobody') return json(404, {});
    return json(200, { credentials: { anthropic: { api_key: `${canary}-${tenant}-${team}`, unused: null } } });
  });
  const server = await listen(respond, owner);
  const outbound = createOutbound();
  owner.after(async () => outbound.close());
  const service = createConfigService({
    url: `${server.url}/credentials`,
    token: new Secret('service-token'),
    timeoutMs: 300,
    cacheTtlMs: 60_000,
    staleForMs: 300_000,
    outbound,
    now: () => nowMs,
    onFailure: (_error, stale) => failures.push(stale),
    ...changes,
  });
  const keyOf = async (tenant: string, team?: string): Promise<string> => {
    const found = await service.credentialsOf(sandbox(tenant, team));
    if (isRefusal(found)) return found.code;
    return found.get('anthropic')?.get('api_key')?.reveal() ?? 'none';
  };
  return {
    service,
    faults,
    failures,
    keyOf,
    asked: () => asked,
    seen: () => faults.seen('/credentials'),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
};

test('a tenant and team get what is theirs, asked for with the token, and then without waiting', async (t) => {
  const { service, keyOf, asked, seen } = await start(t);
  assert.equal(await keyOf('acme', 'red'), `${canary}-acme-red`);
  assert.equal(asked(), 'Bearer service-token');
  const again = service.credentialsOf(sandbox('acme', 'red'));
  assert.ok(!(again instanceof Promise));
  assert.equal(again, service.credentialsOf({ ...sandbox('acme', 'red'), sandbox: 'another' }));
  assert.equal(seen(), 1);
});

test('no two tenants or teams share an answer, however their names are put together', async (t) => {
  const { keyOf, seen } = await start(t);
  const pairs = [
    ['a', 'bc'],
    ['ab', 'c'],
    ['abc', ''],
    ['a:1', 'b'],
    ['a', '1:b'],
    ['1:a', 'b'],
    ['a&team=x', 'b'],
    ['a/../b', 'c'],
  ] as const;
  for (const [tenant, team] of pairs) assert.equal(await keyOf(tenant, team), `${canary}-${tenant}-${team}`);
  for (const [tenant, team] of pairs) assert.equal(await keyOf(tenant, team), `${canary}-${tenant}-${team}`);
  assert.equal(seen(), pairs.length);
});

test('many who ask at once are one question, and each tenant has one of its own', async (t) => {
  const { faults, keyOf, seen } = await start(t, { timeoutMs: 10_000 });
  const held = hold();
  faults.set('/credentials', held.fault);
  const asking = Array.from({ length: 200 }, (_, index) => keyOf(index % 2 === 0 ? 'acme' : 'other'));
  await until('both wait', async () => held.waiting() === 2);
  held.release();
  const keys = await Promise.all(asking);
  assert.deepEqual([...new Set(keys)], [`${canary}-acme-red`, `${canary}-other-red`]);
  assert.equal(seen(), 2);
});

test('an answer is asked for anew before its time is over, and used until then', async (t) => {
  const { keyOf, seen, pass } = await start(t);
  await keyOf('acme');
  pass(50_000);
  await keyOf('acme');
  await until('it was asked again', async () => seen() === 2);
  pass(61_000);
  assert.equal(await keyOf('acme'), `${canary}-acme-red`);
  assert.equal(seen(), 3);
});

test('who is unknown stays so for a short while, and is refused, not failed', async (t) => {
  const { keyOf, seen, pass, failures } = await start(t);
  assert.equal(await keyOf('nobody'), 'credential_missing');
  assert.equal(await keyOf('nobody'), 'credential_missing');
  assert.equal(seen(), 1);
  pass(10_001);
  assert.equal(await keyOf('nobody'), 'credential_missing');
  assert.equal(seen(), 2);
  assert.deepEqual(failures, []);
});

test('credentials that were taken away are gone with the next answer', async (t) => {
  const { faults, keyOf, pass } = await start(t);
  await keyOf('acme');
  faults.set('/credentials', answering(404));
  pass(60_001);
  assert.equal(await keyOf('acme'), 'credential_missing');
  pass(60_001);
  faults.set('/credentials', droppedBefore);
  assert.equal(await keyOf('acme'), 'credentials_unavailable', 'and they do not come back while the service is down');
});

const never = hold().fault;

for (const [what, fault] of [
  ['is down', droppedBefore],
  ['says nothing', never],
  ['ends in the middle', cutShort],
  ['answers no JSON', badJson],
  ['answers without end', hugeBody()],
  ['sends elsewhere', redirected('http://169.254.169.254/latest/meta-data')],
  ['answers 500', answering(500, canary)],
  ['does not know our token', answering(401, canary)],
  ['answers something else', answering(200, '[]')],
  ['answers with values that are no text', answering(200, '{"credentials":{"anthropic":{"api_key":{"a":1}}}}')],
  ['answers with a list', answering(200, '{"credentials":["x"],"more":1}')],
] as const) {
  test(`a service that ${what} gives nothing to who is new, and what it gave before to who is known, for a while`, async (t) => {
    const { service, faults, failures, keyOf, pass } = await start(t);
    await keyOf('known');
    faults.set('/credentials', fault);
    const outcome = await service.credentialsOf(sandbox('new'));
    assert.ok(isRefusal(outcome));
    assert.equal(outcome.code, 'credentials_unavailable');
    assert.ok(!`${outcome.cause}${service.problem()}`.includes('canary'));
    pass(60_001);
    assert.equal(await keyOf('known'), `${canary}-known-red`);
    assert.deepEqual(failures, [false, true]);
    assert.notEqual(service.problem(), undefined);
    pass(300_000);
    assert.equal(await keyOf('known'), 'credentials_unavailable');
  });
}

test('a service that fails is left in peace for a second, and then asked again', async (t) => {
  const { service, faults, keyOf, seen, pass } = await start(t);
  faults.set('/credentials', droppedBefore);
  for (let n = 0; n < 20; n++) assert.equal(await keyOf('acme'), 'credentials_unavailable');
  const before = seen();
  assert.ok(before <= 2, `${before} questions`);
  faults.clear('/credentials');
  pass(1_001);
  assert.equal(await keyOf('acme'), `${canary}-acme-red`);
  assert.equal(service.problem(), undefined);
});

test('names become one segment of a path, or parameters, whatever is in them', () => {
  const template = 'https://c.example/t/{tenant}/x/{team}/credentials?a=b';
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text !== '.' && text !== '..');
  fc.assert(
    fc.property(name, name, (tenant, team) => {
      const { origin, pathname, search } = urlFor(template, { tenant, team, sandbox: '' });
      const segments = pathname.split('/');
      assert.deepEqual([origin, segments.length, search], ['https://c.example', 6, '?a=b']);
      assert.deepEqual(
        [segments[2], segments[4]].map((text = '') => decodeURIComponent(text)),
        [tenant, team],
      );
      const { searchParams } = urlFor('https://c.example/c?a=b', { tenant, team, sandbox: '' });
      assert.deepEqual([searchParams.getAll('tenant'), searchParams.getAll('team')], [[tenant], [team]]);
    }),
  );
  for (const tenant of ['.', '..']) {
    assert.throws(() => urlFor(template, { tenant, team: 'x', sandbox: '' }), /dots/);
  }
});

test('what was given does not print itself', async (t) => {
  const { service } = await start(t);
  const found = (await service.credentialsOf(sandbox('acme'))) as Credentials;
  assert.ok(!JSON.stringify([...found.entries()].map(([name, values]) => [name, [...values]])).includes(canary));
});
