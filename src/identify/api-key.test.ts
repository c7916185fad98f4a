import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identification } from '../core/identity.ts';
import type { AuthRequest } from '../core/request.ts';
import { type ApiKeyOptions, createApiKeyIdentifier, type KeyHolder } from './api-key.ts';
import type { FloodThrottle } from './failure-throttle.ts';

const holder: KeyHolder = {
  id: 'key_1',
  userId: 'user123',
  scopes: ['read'],
  metadata: { roles: ['gold', 7, null], tenant: 'acme' },
  rateLimitPerMinute: 100,
  rateLimitPerDay: undefined,
  credits: undefined,
};

type Options = ApiKeyOptions<KeyHolder>;

const usable: Options['problemOf'] = () => undefined;

const create = (find: Options['find'], { limit = 2, flood = 4, problemOf = usable } = {}) => {
  let failures = 0;
  const sources: string[] = [];
  const throttle: FloodThrottle = {
    isOpen: () => failures < limit,
    isFlood: () => failures >= flood,
    recordFailure: (source) => {
      failures++;
      sources.push(source);
    },
  };
  const identifier = createApiKeyIdentifier({ find, problemOf, throttle });
  const request = { clientIp: '203.0.113.7' } as AuthRequest;
  const identify = (value: string) =>
    identifier(request, { kind: 'api_key', value, header: 'authorization' }, 'enforce');
  return { identify, sources };
};

const codeOf = (identification: Identification): string =>
  identification.outcome === 'rejected' ? identification.refusal.code : identification.outcome;

test('a key tells user, scopes, roles, claims and limits, and one holder is one identification', () => {
  const { identify } = create(() => holder);
  const identification = identify('sk-1');
  assert.deepEqual(identification, {
    outcome: 'identified',
    identity: {
      method: 'api_key',
      subject: 'user123',
      keyId: 'key_1',
      scopes: ['read'],
      roles: ['gold'],
      claims: holder.metadata,
      limits: [{ limit: 100, windowMs: 60_000 }],
    },
  });
  assert.equal(identify('sk-1'), identification);
});

test('unknown, revoked and mistyped keys cannot be told from one another', async () => {
  for (const find of [() => undefined, async () => undefined]) {
    const { identify } = create(find);
    const [first, second] = [await identify('sk-unknown'), await identify('sk-mistyped')];
    assert.equal(codeOf(first), 'invalid_api_key');
    assert.deepEqual(first, second);
  }
});

test('a key that may not be used now cannot be told from an unknown one, but by the log', async () => {
  const unknown = create(() => undefined).identify('sk-unknown');
  const { identify, sources } = create(() => holder, { problemOf: () => 'expired' });
  const found = await identify('sk-1');
  assert.ok(found.outcome === 'rejected');
  const { cause, ...seen } = found.refusal;
  assert.deepEqual({ ...found, refusal: seen }, await unknown);
  assert.equal(cause instanceof Error && cause.message, 'key_1 is refused: expired');
  assert.deepEqual(sources, ['203.0.113.7'], 'and counts as a bad key');
});

test('whether a key may be used is asked at every use, with the address of the caller', async () => {
  const asked: string[] = [];
  let problem: string | undefined;
  const problemOf: Options['problemOf'] = (_, clientIp) => {
    asked.push(clientIp);
    return problem;
  };
  const { identify } = create(() => holder, { problemOf });
  assert.equal(codeOf(await identify('sk-1')), 'identified');
  problem = 'expired';
  assert.equal(codeOf(await identify('sk-1')), 'invalid_api_key');
  problem = undefined;
  assert.equal(codeOf(await identify('sk-1')), 'identified');
  assert.deepEqual(asked, ['203.0.113.7', '203.0.113.7', '203.0.113.7']);
});

test('a key with credits says so', async () => {
  const { identify } = create(() => ({ ...holder, credits: { remaining: 0 } }));
  const found = await identify('sk-1');
  assert.ok(found.outcome === 'identified' && found.identity.method === 'api_key' && found.identity.hasCredits);
});

test('too many bad keys are answered by 429; good ones from the same address pass, new ones too', async () => {
  const { identify, sources } = create(async (key) => (key === 'sk-good' ? holder : undefined));
  const codes = [];
  for (const key of ['sk-a', 'sk-b', 'sk-c', 'sk-good']) codes.push(codeOf(await identify(key)));
  assert.deepEqual(codes, ['invalid_api_key', 'invalid_api_key', 'too_many_failures', 'identified']);
  assert.deepEqual(sources, ['203.0.113.7', '203.0.113.7', '203.0.113.7']);
});

test('in a flood nothing new is looked up', async () => {
  const asked: boolean[] = [];
  const { identify } = create((_key, mayLookUp) => {
    asked.push(mayLookUp());
    return undefined;
  });
  for (let time = 0; time < 6; time++) await identify('sk-x');
  assert.deepEqual(asked, [true, true, true, true, false, false]);
});

for (const [how, find] of [
  [
    'at once',
    () => {
      throw new Error('disk I/O error');
    },
  ],
  ['later', () => Promise.reject(new Error('connection refused'))],
] as const) {
  test(`a store that fails ${how} lets nobody in, counts against nobody, and asks to try again`, async () => {
    const { identify, sources } = create(find);
    const identification = await identify('sk-1');
    assert.ok(identification.outcome === 'rejected');
    assert.equal(identification.refusal.code, 'store_unavailable');
    assert.equal(identification.refusal.headers?.['Retry-After'], '1');
    assert.ok(identification.refusal.cause instanceof Error);
    assert.deepEqual(sources, []);
  });
}
