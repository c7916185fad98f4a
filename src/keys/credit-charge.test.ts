import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyIdentity } from '../core/identity.ts';
import { isRefusal } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { createCreditCharge } from './credit-charge.ts';
import type { CreditTaken, KeyRecord, Question } from './key-store.ts';

const identityOf = (hasCredits: boolean): KeyIdentity => ({
  method: 'api_key',
  keyId: 'key_1',
  subject: 'u',
  scopes: [],
  roles: [],
  claims: {},
  limits: [],
  hasCredits,
});

const create = (answers: readonly (CreditTaken | undefined | Error)[], untilMs?: number) => {
  let nowMs = 1_000_000;
  const left = [...answers];
  const store = {
    taken: 0,
    found: 0,
    record: undefined as Partial<KeyRecord> | undefined,
    repeated: new Set<string>(),
    asked: [] as (Question | undefined)[],
    async takeCredit(_id: string, _nowMs: number, question?: Question) {
      store.taken++;
      store.asked.push(question);
      const answer = left.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    hasTakenCredit: (_id: string, { key }: Question) => store.repeated.has(key),
    async find() {
      store.found++;
      return store.record as KeyRecord | undefined;
    },
  };
  const questionOf = ({ id }: AuthRequest) => (untilMs === undefined ? undefined : { key: id, untilMs });
  const charge = createCreditCharge(store, () => nowMs, questionOf);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { store, charge, pass };
};

const codeOf = (outcome: unknown): unknown => (isRefusal(outcome) ? outcome.code : outcome);

test('a key without credits pays nothing, at once, and asks nobody', () => {
  const { store, charge } = create([]);
  assert.equal(charge(identityOf(false), 'enforce'), undefined);
  assert.equal(store.taken, 0);
});

test('each request takes one, and is told what is left', async () => {
  const { store, charge } = create([{ taken: true, remaining: 4 }]);
  assert.deepEqual(await charge(identityOf(true), 'enforce'), { creditsLeft: 4 });
  assert.deepEqual([store.taken, store.found], [1, 0]);
});

test('a key whose credits were taken away meanwhile passes', async () => {
  const { charge } = create([undefined]);
  assert.equal(await charge(identityOf(true), 'enforce'), undefined);
});

test('an empty key is refused by 429, with the time of its refill where it has one', async () => {
  const refusals = [];
  for (const retryAt of [undefined, 1_000_001, 1_090_000]) {
    const { charge } = create([{ taken: false, retryAt }]);
    const refusal = await charge(identityOf(true), 'enforce');
    assert.ok(isRefusal(refusal) && refusal.code === 'no_credits_left');
    refusals.push([refusal.headers?.['Retry-After'], refusal.headers?.['X-Credits-Remaining']]);
  }
  assert.deepEqual(refusals, [
    [undefined, '0'],
    ['1', '0'],
    ['90', '0'],
  ]);
});

test('an empty key asks the store once a second, not once a request, and again as soon as it is changed or filled', async () => {
  const empty = { taken: false, retryAt: 1_001_500 } as const;
  const { store, charge, pass } = create([empty, empty, empty, { taken: true, remaining: 9 }]);
  const identity = identityOf(true);
  for (let time = 0; time < 50; time++) assert.equal(codeOf(await charge(identity, 'enforce')), 'no_credits_left');
  assert.equal(store.taken, 1);
  assert.equal(codeOf(await charge(identityOf(true), 'enforce')), 'no_credits_left', 'changed: another identity');
  assert.equal(store.taken, 2);
  pass(1_000);
  await charge(identity, 'enforce');
  assert.equal(store.taken, 3);
  pass(500);
  assert.deepEqual(await charge(identity, 'enforce'), { creditsLeft: 9 });
});

test('a preview takes nothing and says what would be', async () => {
  const { store, charge } = create([]);
  for (const [remaining, nextAt, expected] of [
    [3, undefined, { creditsLeft: 2 }],
    [0, undefined, 'no_credits_left'],
    [0, 2_000_000, 'no_credits_left'],
    [0, 1_000_000, { creditsLeft: 6 }],
  ] as const) {
    const refill = nextAt === undefined ? undefined : { amount: 7, intervalMs: 60_000, nextAt };
    store.record = { credits: { remaining, refill } };
    for (const intent of ['preview', 'deposit'] as const) {
      assert.deepEqual(codeOf(await charge(identityOf(true), intent)), expected);
    }
  }
  store.record = undefined;
  assert.equal(await charge(identityOf(true), 'preview'), undefined);
  assert.equal(store.taken, 0);
});

const asking = (id: string): AuthRequest => ({
  id,
  method: 'GET',
  scheme: 'https',
  host: '',
  path: '/',
  query: '',
  clientIp: '',
  header: () => undefined,
  findHeaderName: () => undefined,
});

test('the store is told which question asks, and nothing where questions are not told apart or no proxy asks', async () => {
  const taken = { taken: true, remaining: 1 } as const;
  const told = create([taken, taken], 5);
  await told.charge(identityOf(true), 'enforce', asking('one'));
  await told.charge(identityOf(true), 'enforce');
  assert.deepEqual(told.store.asked, [{ key: 'one', untilMs: 5 }, undefined]);
  const untold = create([taken]);
  await untold.charge(identityOf(true), 'enforce', asking('one'));
  assert.deepEqual(untold.store.asked, [undefined]);
});

test('whoever has taken the last credit passes again, although others were refused meanwhile, without a write', async () => {
  const { store, charge } = create(
    [
      { taken: true, remaining: 0 },
      { taken: false, retryAt: undefined },
    ],
    5,
  );
  const identity = identityOf(true);
  assert.deepEqual(await charge(identity, 'enforce', asking('last')), { creditsLeft: 0 });
  assert.equal(codeOf(await charge(identity, 'enforce', asking('late'))), 'no_credits_left');
  store.repeated.add('last');
  assert.deepEqual(await charge(identity, 'enforce', asking('last')), { creditsLeft: 0 });
  assert.equal(codeOf(await charge(identity, 'enforce', asking('late'))), 'no_credits_left');
  store.record = { credits: { remaining: 0, refill: undefined } };
  assert.deepEqual(await charge(identityOf(true), 'preview', asking('last')), { creditsLeft: 0 });
  assert.equal(store.taken, 2);
});

test('a store that fails lets nobody pass, and asks to try again', async () => {
  const { store, charge } = create([new Error('disk I/O error'), { taken: false, retryAt: undefined }], 5);
  const identity = identityOf(true);
  assert.equal(codeOf(await charge(identity, 'enforce')), 'store_unavailable');
  assert.equal(codeOf(await charge(identity, 'enforce')), 'no_credits_left');
  store.hasTakenCredit = () => {
    throw new Error('disk I/O error');
  };
  assert.equal(codeOf(await charge(identity, 'enforce', asking('one'))), 'store_unavailable');
});
