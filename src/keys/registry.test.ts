import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newKey } from '../../test/keys/key-record.ts';
import { generateKey } from './api-key.ts';
import type { KeyQuery, KeyRecord, KeyStore } from './key-store.ts';
import { createKeyRegistry, type KeyRegistryOptions, type NewKey } from './registry.ts';

const request = { ...newKey, userId: 'user123' };

const untested = async () => {
  throw new Error('the contract of the stores tests it');
};

/** A store whose look-ups may be held back, as those of a database on the network are. */
const createStore = () => {
  const records = new Map<string, KeyRecord>();
  let held: Promise<void> | undefined;
  const store = {
    lookups: 0,
    broken: false,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = undefined;
        resolve();
      };
    },
    find: untested,
    update: untested,
    rotate: untested,
    importAll: untested,
    takeCredit: untested,
    hasTakenCredit: untested,
    async insert(record: KeyRecord) {
      records.set(record.hash, record);
      return undefined;
    },
    findByHash(hash: string) {
      store.lookups++;
      if (store.broken) throw new Error('the store is gone');
      const found = records.get(hash);
      return held ? held.then(() => found) : found;
    },
    async list({ userId }: KeyQuery) {
      return [...records.values()].filter((record) => record.userId === userId);
    },
    async revoke(id: string, atMs: number) {
      const found = [...records.values()].find((record) => record.id === id);
      const revoked = found && { ...found, revokedAt: found.revokedAt ?? atMs };
      if (revoked) records.set(revoked.hash, revoked);
      return revoked && { record: revoked, hashes: [revoked.hash] };
    },
  };
  return store satisfies KeyStore;
};

const create = (changes: Partial<KeyRegistryOptions> = {}) => {
  let nowMs = 1_000_000;
  const store = createStore();
  const options = { prefix: 'sk-', maxAgeMs: 10_000, cacheSize: 100, now: () => nowMs, ...changes };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  const open = () => {
    const registry = createKeyRegistry(store, options);
    const create = async (asked: NewKey) => {
      const made = await registry.create(asked);
      assert.equal(made.made, 'first');
      return made.made === 'first' ? made : assert.fail();
    };
    return { ...registry, create };
  };
  return { store, pass, registry: open(), other: open() };
};

test('the key is in the answer and in nothing that is kept', async () => {
  const { registry } = create();
  const { key, record } = await registry.create(request);
  assert.match(key, /^sk-/);
  assert.ok(!JSON.stringify(record).includes(key));
  const page = await registry.list({ userId: 'user123', after: undefined, limit: 10 });
  assert.deepEqual(page, { records: [record], next: undefined });
});

test('a known key is found at once, by one object, and looked up again when it is old', async () => {
  const { registry, store, pass } = create();
  const { key } = await registry.create(request);
  const first = registry.find(key);
  assert.ok(first && !(first instanceof Promise));
  for (let time = 0; time < 100; time++) assert.equal(registry.find(key), first);
  assert.equal(store.lookups, 1);
  pass(9_999);
  await registry.find(key);
  assert.equal(store.lookups, 1);
  pass(1);
  assert.deepEqual(registry.find(key), first);
  assert.equal(store.lookups, 2);
});

test('what another process revoked passes for the stated age and no longer', async () => {
  const { registry, other, pass } = create();
  const { key, record } = await registry.create(request);
  assert.ok(registry.find(key));
  await other.revoke(record.id);
  pass(9_999);
  assert.ok(registry.find(key));
  pass(1);
  assert.equal(registry.find(key), undefined);
});

test('a clock that goes back does not make a revoked key pass for longer', async () => {
  const { registry, other, pass } = create();
  const { key, record } = await registry.create(request);
  assert.ok(registry.find(key));
  await other.revoke(record.id);
  pass(-86_400_000);
  assert.equal(registry.find(key), undefined);
});

test('a revoked key is refused at once in this process, and in others when they are told', async () => {
  const told: string[] = [];
  const { registry, other } = create({ onChange: (hash) => told.push(hash) });
  const { key, record } = await registry.create(request);
  assert.ok(registry.find(key) && other.find(key));
  assert.equal((await registry.revoke(record.id))?.id, record.id);
  assert.equal(registry.find(key), undefined);
  assert.deepEqual(told, [record.hash, record.hash]);
  other.forget(record.hash);
  assert.equal(other.find(key), undefined);
});

test('a look-up that was under way when the key was revoked lets nobody in, and brings nothing back', async () => {
  const { registry, store } = create();
  const { key, record } = await registry.create(request);
  const release = store.hold();
  const found = registry.find(key);
  await registry.revoke(record.id);
  release();
  assert.equal(await found, undefined);
  assert.equal(await registry.find(key), undefined);
});

test('a look-up is not put off by changes of other keys, and is made once for all who wait for it', async () => {
  const { registry, store } = create();
  const { key, record } = await registry.create(request);
  const release = store.hold();
  const found = [registry.find(key), registry.find(key)];
  registry.forget('0'.repeat(64));
  release();
  assert.deepEqual(await Promise.all(found), [record, record]);
  assert.equal(store.lookups, 1);
});

test('a look-up that takes long does not let a revoked key pass for longer', async () => {
  const { registry, other, store, pass } = create();
  const { key, record } = await registry.create(request);
  const release = store.hold();
  const found = registry.find(key);
  pass(9_000);
  release();
  assert.deepEqual(await found, record);
  await other.revoke(record.id);
  pass(1_000);
  assert.equal(registry.find(key), undefined);
});

test('a look-up that failed is made again by whoever comes next', async () => {
  let isBroken = true;
  const findByHash = async () => (isBroken ? Promise.reject(new Error('the store is gone')) : undefined);
  const registry = createKeyRegistry(
    { ...createStore(), findByHash },
    { prefix: 'sk-', maxAgeMs: 10_000, cacheSize: 100, now: () => 1 },
  );
  const key = generateKey('sk-');
  await assert.rejects(async () => registry.find(key), /the store is gone/);
  isBroken = false;
  assert.equal(await registry.find(key), undefined);
});

test('a look-up that was under way when a key was made does not hide it', async () => {
  const { registry, store } = create();
  const { key, record } = await registry.create(request);
  await registry.revoke(record.id);
  const release = store.hold();
  const found = registry.find(key);
  const { key: later } = await registry.create(request);
  release();
  assert.equal(await found, undefined);
  assert.ok(await registry.find(later));
});

test('a revoked key stays revoked when it is revoked again, and an unknown one is undefined', async () => {
  const { registry, pass } = create();
  const { record } = await registry.create(request);
  const first = await registry.revoke(record.id);
  pass(1);
  assert.equal((await registry.revoke(record.id))?.revokedAt, first?.revokedAt);
  assert.equal(await registry.revoke('key_none'), undefined);
});

test('mistyped keys never reach the store', async () => {
  const { registry, store } = create();
  const { key } = await registry.create(request);
  const mistyped = ['sk-', 'sk-rubbish', '', `${key}x`, key.slice(1), key.toLowerCase(), `sk-${'x'.repeat(60_000)}`];
  for (const text of mistyped) assert.equal(registry.find(text), undefined, text.slice(0, 60));
  assert.equal(store.lookups, 0);
});

test('an invented key reaches the store once a second, however often it is sent', async () => {
  const { registry, store, pass } = create();
  const invented = generateKey('sk-');
  for (let time = 0; time < 1_000; time++) assert.equal(registry.find(invented), undefined);
  assert.equal(store.lookups, 1);
  pass(1_000);
  await registry.find(invented);
  assert.equal(store.lookups, 2);
});

test('a flood of invented keys takes no good key out of the cache', async () => {
  const { registry, store } = create({ cacheSize: 10 });
  const { key } = await registry.create(request);
  const known = registry.find(key);
  for (let time = 0; time < 20_000; time++) await registry.find(generateKey('sk-'));
  const before = store.lookups;
  assert.equal(registry.find(key), known);
  assert.equal(store.lookups, before);
});

test('where nothing new may be looked up, a key that was good a while ago still is, and others are not', async () => {
  const { registry, store, pass } = create();
  const { key } = await registry.create(request);
  const { key: never } = await registry.create(request);
  await registry.find(key);
  pass(60_000);
  const before = store.lookups;
  assert.ok(registry.find(key, () => false));
  assert.equal(store.lookups, before + 1);
  assert.equal(
    registry.find(never, () => false),
    undefined,
  );
  assert.equal(
    registry.find(generateKey('sk-'), () => false),
    undefined,
  );
  assert.equal(store.lookups, before + 1);
  assert.ok(registry.find(never), 'what was not looked up is not remembered as unknown');
});

test('a store that fails is an error, and never an answer', async () => {
  const { registry, store, pass } = create();
  const { key } = await registry.create(request);
  assert.ok(registry.find(key));
  store.broken = true;
  assert.ok(registry.find(key), 'what is fresh needs no store');
  pass(10_000);
  assert.throws(() => registry.find(key), /the store is gone/);
  store.broken = false;
  assert.ok(registry.find(key));
});

test('whoever forgets everything asks the store again, also for what was being looked up', async () => {
  const { registry, store, other } = create();
  const { key, record } = await registry.create(request);
  assert.equal((await registry.find(key))?.id, record.id);
  const invented = generateKey('sk-');
  assert.equal(await registry.find(invented), undefined);
  const release = store.hold();
  const lookups = store.lookups;
  registry.forgetAll();
  const found = registry.find(key, () => false);
  await other.revoke(record.id);
  registry.forgetAll();
  release();
  assert.equal(await found, undefined);
  assert.equal(await registry.find(invented), undefined);
  assert.equal(store.lookups - lookups, 3);
});
