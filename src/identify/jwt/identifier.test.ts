import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type JwksServer, startJwksServer } from '../../../test/peers/jwks-server.ts';
import type { Identification } from '../../core/identity.ts';
import type { AuthRequest } from '../../core/request.ts';
import type { FailureThrottle } from '../failure-throttle.ts';
import { issuerOf, localKeys } from './harness.test.ts';
import { createJwtIdentifier } from './identifier.ts';
import type { KeySource } from './issuer.ts';
import { createVerifier } from './verify.ts';

const START = Date.UTC(2026, 0, 1);
let nowMs = START;
const server = await startJwksServer({ owner: { after }, algorithms: ['RS256', 'ES256'], now: () => START });

const request: AuthRequest = {
  id: 'r',
  method: 'GET',
  scheme: 'https',
  host: 'a',
  path: '/',
  query: '',
  clientIp: '203.0.113.7',
  header: () => undefined,
  findHeaderName: () => undefined,
};

const throttleAfter = (limit: number): FailureThrottle & { failures: number } => {
  const throttle = {
    failures: 0,
    isOpen: () => throttle.failures < limit,
    recordFailure: () => {
      throttle.failures++;
    },
  };
  return throttle;
};

/** Keys that a test changes under the identifier. */
const changing = ({ issuer }: JwksServer) => {
  let current = localKeys(issuer.jwks()).current();
  const keys: KeySource = { current: () => current, refresh: () => Promise.resolve() };
  return {
    keys,
    rotate: async () => {
      await issuer.rotate();
      issuer.retireOldKeys();
      current = localKeys(issuer.jwks()).current();
    },
  };
};

const create = ({ keys = localKeys(server.issuer.jwks()) as KeySource, cacheSize = 100, limit = 1_000 } = {}) => {
  nowMs = START;
  let verifications = 0;
  const verify = createVerifier([issuerOf(server, { keys })]);
  const throttle = throttleAfter(limit);
  const lookups: string[] = [];
  const identifier = createJwtIdentifier({
    verify: (token, at) => {
      verifications++;
      return verify(token, at);
    },
    throttle,
    now: () => nowMs,
    cacheSize,
    onLookup: (result) => lookups.push(result),
  });
  const identify = (value: string) => identifier(request, { kind: 'jwt', value, header: 'authorization' }, 'enforce');
  /** As often as it takes for a token to be kept. */
  const identifyTwice = async (value: string) => {
    await identify(value);
    return identify(value);
  };
  return { identify, identifyTwice, throttle, lookups, verifications: () => verifications };
};

const codeOf = (identification: Identification): string =>
  identification.outcome === 'rejected' ? identification.refusal.code : identification.outcome;

const inSeconds = (seconds: number) => START / 1000 + seconds;

test('a token that was verified twice is found at once, without a promise', async () => {
  const { identify, identifyTwice, lookups, verifications } = create();
  const token = await server.sign({ aud: 'api', sub: 'john' });
  const second = await identifyTwice(token);
  const third = identify(token);
  assert.ok(!(third instanceof Promise));
  assert.equal(third, second);
  assert.equal(verifications(), 2);
  assert.deepEqual(lookups, ['miss', 'miss', 'hit']);
});

test('tokens that are used once do not drive out those that are used again', async () => {
  const { identify, identifyTwice } = create({ cacheSize: 2 });
  const used = await server.sign({ aud: 'api', sub: 'john' });
  await identifyTwice(used);
  for (let n = 0; n < 5; n++) await identify(await server.sign({ aud: 'api', n }));
  assert.ok(!(identify(used) instanceof Promise));
});

test('who the caller is comes from the claims', async () => {
  const { identify } = create();
  const claims = { sub: 'Jürgen', scope: 'read write', scp: ['admin'], realm_access: { roles: ['r1', 'r2', 7] } };
  const identification = await identify(await server.sign({ aud: 'api', ...claims }));
  assert.ok(identification.outcome === 'identified' && identification.identity.method === 'jwt');
  const { subject, issuer, scopes, roles } = identification.identity;
  assert.deepEqual([subject, issuer, scopes, roles], ['Jürgen', 'users', ['read', 'write', 'admin'], ['r1', 'r2']]);
});

// The issuer's tolerance is 30 s.
for (const [what, claims, atMs, outcome] of [
  ['before its end', { exp: inSeconds(60) }, START + 89_999, 'identified'],
  ['at its end', { exp: inSeconds(60) }, START + 90_000, 'expired_token'],
  ['long after', { exp: inSeconds(60) }, START + 9e9, 'expired_token'],
  ['before its time, where the clock went back', { nbf: inSeconds(0) }, START - 60_000, 'expired_token'],
] as const) {
  test(`a cached token is held against the clock on every hit: ${what} → ${outcome}`, async () => {
    const { identify, identifyTwice } = create();
    const token = await server.sign({ aud: 'api', ...claims });
    assert.equal(codeOf(await identifyTwice(token)), 'identified');
    nowMs = atMs;
    assert.equal(codeOf(await identify(token)), outcome);
  });
}

test('when the keys change, no token that the old ones verified is good without being verified again', async () => {
  const own = await startJwksServer({ owner: { after }, algorithms: ['ES256'], now: () => START });
  const { keys, rotate } = changing(own);
  nowMs = START;
  const identifier = createJwtIdentifier({
    verify: createVerifier([issuerOf(own, { keys })]),
    throttle: throttleAfter(10),
    now: () => nowMs,
    cacheSize: 10,
  });
  const token = await own.issuer.issue({ aud: 'api' });
  const identify = async (value: string) =>
    codeOf(await identifier(request, { kind: 'jwt', value, header: 'authorization' }, 'enforce'));
  for (const _twice of [1, 2]) assert.equal(await identify(token), 'identified');
  await rotate();
  assert.equal(await identify(token), 'invalid_token');
  assert.equal(await identify(await own.issuer.issue({ aud: 'api' })), 'identified');
});

test('the cache is bounded, and a refused token is never in it', async () => {
  const { identify, identifyTwice, verifications } = create({ cacheSize: 2 });
  const tokens = await Promise.all([1, 2, 3].map((n) => server.sign({ aud: 'api', n })));
  for (const token of tokens) await identifyTwice(token);
  assert.equal(verifications(), 6);
  assert.ok(identify(tokens[0] ?? '') instanceof Promise, 'the oldest is forgotten');
  assert.ok(!(identify(tokens[2] ?? '') instanceof Promise), 'the newest is not');
  const bad = await server.sign({ aud: 'other' });
  assert.equal(codeOf(await identifyTwice(bad)), 'invalid_token');
  assert.ok(identify(bad) instanceof Promise);
});

test('large tokens take the place of several', async () => {
  const { identify, identifyTwice } = create({ cacheSize: 10 });
  const small = await server.sign({ aud: 'api' });
  await identifyTwice(small);
  assert.ok(!(identify(small) instanceof Promise));
  for (let n = 0; n < 3; n++) await identifyTwice(await server.sign({ aud: 'api', n, junk: 'x'.repeat(6_000) }));
  assert.ok(identify(small) instanceof Promise);
});

test('a token that differs in its signature alone is another token', async () => {
  const { identify, identifyTwice } = create();
  const token = await server.sign({ aud: 'api' }, { alg: 'ES256' });
  assert.equal(codeOf(await identifyTwice(token)), 'identified');
  const twin = await server.sign({ aud: 'api' }, { alg: 'ES256' });
  assert.equal(twin.slice(0, twin.lastIndexOf('.')), token.slice(0, token.lastIndexOf('.')));
  assert.ok(identify(twin) instanceof Promise, 'a signature that was not verified is');
  assert.equal(codeOf(await identify(`${token.slice(0, token.lastIndexOf('.'))}.AAAA`)), 'invalid_token');
});

test('too many bad tokens are answered by 429; good ones from the same address pass, new ones too', async () => {
  const { identify, identifyTwice, throttle } = create({ limit: 2 });
  const known = await server.sign({ aud: 'api', n: 1 });
  await identifyTwice(known);
  const bad = await server.sign({ aud: 'other' });
  assert.deepEqual(
    [codeOf(await identify(bad)), codeOf(await identify(bad)), codeOf(await identify(bad))],
    ['invalid_token', 'invalid_token', 'too_many_failures'],
  );
  assert.equal(throttle.failures, 3);
  assert.equal(codeOf(await identify(known)), 'identified');
  assert.equal(codeOf(await identify(await server.sign({ aud: 'api', n: 2 }))), 'identified');
});

test('what is not the caller’s fault is not counted', async () => {
  const keys = { current: () => undefined, refresh: () => Promise.resolve() };
  const { identify, throttle } = create({ keys });
  assert.equal(codeOf(await identify(await server.sign({ aud: 'api' }))), 'keys_unavailable');
  assert.equal(throttle.failures, 0);
});
