import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import {
  answering,
  cutShort,
  droppedBefore,
  type Fault,
  hold,
  hugeBody,
  redirected,
} from '../../../test/peers/faults.ts';
import {
  emptyKeySet,
  encryptionKeyFirst,
  keysWithoutAlg,
  keysWithoutKid,
  strangeKeys,
} from '../../../test/peers/jwks-faults.ts';
import { type JwksServer, startJwksServer } from '../../../test/peers/jwks-server.ts';
import { until } from '../../../test/servers/until.ts';
import { isRefusal } from '../../core/refusal.ts';
import { issuerOf, rawToken } from '../../identify/jwt/harness.test.ts';
import { createVerifier } from '../../identify/jwt/verify.ts';
import { createOutbound, type Exchange, type Outbound } from '../outbound/exchange.ts';
import { createRemoteKeySource, type RemoteKeySourceOptions } from './remote-key-source.ts';

type Owner = { after(cleanUp: () => Promise<void>): void };

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

const create = async (owner: Owner, { url, ...changes }: Partial<RemoteKeySourceOptions> = {}) => {
  let nowMs = START;
  const server = await startJwksServer({ owner, algorithms: ['ES256', 'EdDSA'], now: () => nowMs });
  const outbound = createOutbound();
  const outcomes: string[] = [];
  const keys = createRemoteKeySource({
    url: url ?? server.jwksUrl,
    discovery: false,
    refreshIntervalMs: HOUR,
    outbound,
    now: () => nowMs,
    onRefresh: (outcome) => outcomes.push(outcome),
    ...changes,
  });
  owner.after(async () => {
    keys.close();
    outbound.close();
  });
  const verify = createVerifier([issuerOf(server, { keys })]);
  return {
    server,
    keys,
    outcomes,
    pass: (ms: number) => {
      nowMs += ms;
    },
    judge: async (token: string) => {
      const verified = await verify(token, nowMs);
      return isRefusal(verified) ? verified.code : 'ok';
    },
    newToken: () => server.issuer.issue({ aud: 'api' }, { lifetimeS: 86_400 }),
  };
};

const forgedBy = ({ issuer }: JwksServer, kid: string): string =>
  rawToken({ alg: 'ES256', kid }, { iss: issuer.url, aud: 'api', exp: START }, () => Buffer.alloc(64));

test('a thousand new tokens at once cause one fetch', async (t) => {
  const { server, judge, newToken } = await create(t);
  const tokens = await Promise.all(Array.from({ length: 1_000 }, newToken));
  const outcomes = await Promise.all(tokens.map(judge));
  assert.deepEqual([...new Set(outcomes)], ['ok']);
  assert.equal(server.fetches(), 1);
});

test('ten thousand tokens of unknown keys cause one fetch in every 30 s', async (t) => {
  const { server, keys, judge, pass } = await create(t);
  await keys.start();
  pass(30_000);
  for (let wave = 1; wave <= 10; wave++) {
    const flood = Array.from({ length: 1_000 }, (_, number) => judge(forgedBy(server, `invented ${wave} ${number}`)));
    assert.deepEqual([...new Set(await Promise.all(flood))], ['invalid_token']);
    pass(3_000);
  }
  assert.equal(server.fetches(), 2);
  await judge(forgedBy(server, 'invented'));
  assert.equal(server.fetches(), 3);
});

test('bad signatures, however many, never cause a fetch', async (t) => {
  const { server, keys, judge, pass } = await create(t);
  await keys.start();
  pass(HOUR / 2);
  const [{ kid } = { kid: '' }] = server.issuer.keys();
  const outcomes = await Promise.all(Array.from({ length: 2_000 }, () => judge(forgedBy(server, kid))));
  assert.deepEqual([...new Set(outcomes)], ['invalid_token']);
  assert.equal(server.fetches(), 1);
});

test('a rotation is seen with the first token of a new key, and old tokens are good until the old keys are gone', async (t) => {
  const { server, keys, judge, pass, newToken, outcomes } = await create(t);
  await keys.start();
  const before = keys.current();
  const old = await newToken();
  pass(30_000);
  await server.issuer.rotate();
  assert.equal(await judge(await newToken()), 'ok');
  assert.equal(await judge(old), 'ok');
  assert.notEqual(keys.current(), before);
  pass(30_000);
  server.issuer.retireOldKeys();
  assert.equal(await judge(old), 'ok', 'a known key asks for nothing');
  await keys.refresh();
  assert.equal(await judge(old), 'invalid_token');
  assert.deepEqual(outcomes, ['changed', 'changed', 'changed']);
});

test('an attacker who keeps the cool-down busy delays a rotation by 30 s and no more', async (t) => {
  const { server, keys, judge, pass, newToken } = await create(t);
  await keys.start();
  pass(30_000);
  await judge(forgedBy(server, 'invented'));
  await server.issuer.rotate();
  const token = await newToken();
  for (let second = 0; second < 30; second++) {
    assert.equal(await judge(token), 'invalid_token', `after ${second} s`);
    await judge(forgedBy(server, 'invented'));
    pass(1_000);
  }
  assert.equal(await judge(token), 'ok');
});

test('a clock that goes back locks no rotation out', async (t) => {
  const { server, keys, judge, pass, newToken } = await create(t);
  await keys.start();
  pass(-10 * HOUR);
  await server.issuer.rotate();
  assert.equal(await judge(await newToken()), 'ok');
});

test('unchanged keys are the same key set, so that verified tokens stay known', async (t) => {
  const { keys, pass, outcomes } = await create(t);
  await keys.start();
  const before = keys.current();
  pass(30_000);
  await keys.refresh();
  assert.equal(keys.current(), before);
  assert.deepEqual(outcomes, ['changed', 'unchanged']);
});

const faults: readonly (readonly [what: string, fault: Fault, error: RegExp])[] = [
  ['500', answering(500), /answered 500/],
  ['404', answering(404), /answered 404/],
  ['204', answering(204), /answered 204/],
  ['a redirect', redirected(), /answered 302/],
  ['a redirect to a metadata service', redirected('http://169.254.169.254/'), /answered 302/],
  ['an empty key set', emptyKeySet, /no public signature key/],
  ['an empty body', answering(200), /JSON/],
  ['HTML', answering(200, '<html>'), /JSON/],
  ['null', answering(200, 'null'), /no public signature key/],
  ['a huge body', hugeBody(), /larger than/],
  ['half an answer', cutShort, /aborted/],
  ['a cut connection', droppedBefore, /hang up|ECONNRESET/],
];

for (const [what, fault, error] of faults) {
  test(`${what} instead of keys: the last good ones stay, and the failure shows`, async (t) => {
    const { server, keys, judge, pass, newToken, outcomes } = await create(t);
    await keys.start();
    const token = await newToken();
    pass(30_000);
    server.faults.set('/jwks', fault);
    await keys.refresh();
    assert.equal(await judge(token), 'ok');
    assert.match(keys.status().lastError ?? '', error);
    assert.deepEqual([keys.status().available, keys.status().ageMs], [true, 30_000]);
    pass(30_000);
    server.faults.clear();
    await keys.refresh();
    assert.equal(keys.status().lastError, undefined);
    assert.deepEqual(outcomes, ['changed', 'failed', 'unchanged']);
  });
}

test('an issuer that is down at the start is asked again with the first token, and then once a second', async (t) => {
  const { server, keys, judge, pass, newToken } = await create(t);
  server.faults.set('/jwks', answering(503));
  await keys.start();
  const token = await newToken();
  const all = await Promise.all(Array.from({ length: 100 }, () => judge(token)));
  assert.deepEqual([...new Set(all)], ['keys_unavailable']);
  assert.equal(server.fetches(), 1);
  assert.deepEqual([keys.status().available, keys.status().ageMs], [false, undefined]);
  pass(1_000);
  assert.equal(await judge(token), 'keys_unavailable');
  assert.equal(server.fetches(), 2);
  server.faults.clear();
  pass(1_000);
  assert.equal(await judge(token), 'ok');
});

for (const [what, fault] of Object.entries({ encryptionKeyFirst, keysWithoutKid, keysWithoutAlg, strangeKeys })) {
  test(`tokens verify with a key set of ${what}`, async (t) => {
    const { server, judge } = await create(t);
    server.faults.set('/jwks', fault);
    const kid = fault === keysWithoutKid ? { kid: undefined } : {};
    for (const alg of ['ES256', 'EdDSA']) {
      assert.equal(await judge(await server.sign({ aud: 'api' }, { alg, header: kid })), 'ok');
    }
  });
}

test('discovery leads to the keys', async (t) => {
  const server = await startJwksServer({ owner: t, algorithms: ['ES256'] });
  const { keys } = await create(t, { url: server.url, discovery: true });
  await keys.start();
  assert.equal(keys.status().available, true);
  assert.equal(server.fetches(), 1);
});

for (const [what, document] of [
  ['another issuer', { issuer: 'http://evil.example.com', jwks_uri: 'http://127.0.0.1/' }],
  ['keys on a metadata service', { jwks_uri: 'http://169.254.169.254/latest' }],
  ['keys in a file', { jwks_uri: 'file:///etc/passwd' }],
  ['keys at no address', { jwks_uri: 'keys' }],
] as const) {
  test(`a discovery document with ${what} gives no keys`, async (t) => {
    const server = await startJwksServer({ owner: t, algorithms: ['ES256'] });
    server.faults.set(
      '/.well-known/openid-configuration',
      answering(200, JSON.stringify({ issuer: server.url, ...document })),
    );
    const { keys } = await create(t, { url: server.url, discovery: true });
    await keys.start();
    assert.equal(keys.status().available, false);
    assert.ok(keys.status().lastError);
  });
}

/** What is asked, and when, without a network. */
const createTimed = (refreshIntervalMs: number, works: () => boolean) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const asked: Exchange[] = [];
  const outbound: Outbound = {
    async exchange(exchange) {
      asked.push(exchange);
      return { status: works() ? 200 : 500, headers: {}, body: JSON.stringify({ keys: [ed25519] }) };
    },
    close: () => undefined,
  };
  const url = 'https://id.example.com/jwks';
  const keys = createRemoteKeySource({ url, discovery: false, refreshIntervalMs, outbound, now: () => START });
  const pass = async (ms: number) => {
    mock.timers.tick(ms);
    // The fetch is answered at once: let its promises run.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return { asked, keys, pass };
};
const ed25519 = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };

test('keys are fetched anew at every interval, with a deadline and a bound', async (t) => {
  t.after(() => mock.timers.reset());
  const { asked, keys, pass } = createTimed(HOUR, () => true);
  await keys.start();
  await pass(HOUR - 1);
  assert.equal(asked.length, 1);
  await pass(1);
  await pass(HOUR);
  assert.equal(asked.length, 3);
  assert.deepEqual([asked[0]?.timeoutMs, asked[0]?.maxBytes], [5_000, 512 * 1024]);
  keys.close();
  await pass(10 * HOUR);
  assert.equal(asked.length, 3);
  await keys.refresh();
  assert.equal(asked.length, 3, 'nothing is asked after the end');
});

test('what failed is tried again after 30 s, without a token that asks', async (t) => {
  t.after(() => mock.timers.reset());
  let works = false;
  const { keys, pass } = createTimed(HOUR, () => works);
  await keys.start();
  assert.equal(keys.status().available, false);
  works = true;
  await pass(30_000);
  assert.deepEqual([keys.status().available, keys.status().lastError], [true, undefined]);
});

test('an interval longer than Node can wait is not one of a millisecond', async (t) => {
  t.after(() => mock.timers.reset());
  const { asked, keys, pass } = createTimed(3_650 * 24 * HOUR, () => true);
  await keys.start();
  await pass(1_000);
  assert.equal(asked.length, 1);
});

test('closing ends a fetch that hangs, and tells nothing of it', async (t) => {
  const { server, keys, outcomes } = await create(t);
  const { fault, waiting } = hold('before');
  server.faults.set('/jwks', fault);
  const started = keys.start();
  await until('the keys are asked for', () => waiting() === 1);
  keys.close();
  await started;
  assert.deepEqual(outcomes, []);
});
