/** What every store of API keys holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { KeyChanges, KeyPosition, KeyRecord, KeyStore, Once } from '../../src/keys/key-store.ts';
import { keyRecord } from './key-record.ts';

/** Twice the same store, as two replicas have it. */
export type OpenKeyStores = (t: TestContext) => Promise<readonly [KeyStore, KeyStore]>;

export const keyStoreContract = (name: string, open: OpenKeyStores, options: { skip?: string | false } = {}): void => {
  const guarantee = (what: string, check: (store: KeyStore, other: KeyStore) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(...(await open(t))));

  guarantee('a key is found by another replica as it was made, to the last field', async (store, other) => {
    const records = [
      keyRecord('bare'),
      keyRecord('full', {
        name: '鍵 "quoted" \\ `\u2028',
        rateLimitPerMinute: 1,
        rateLimitPerDay: Number.MAX_SAFE_INTEGER,
        scopes: ['a', 'b c'],
        metadata: { roles: ['admin'], nested: { text: 'ü\u0000', number: 1.5, none: null } },
        allowedIps: ['10.0.0.0/8', '2001:db8::/32'],
        customerId: 'cus_1',
        credits: { remaining: 0, refill: { amount: 1, intervalMs: 60_000, nextAt: 1_700_000_060_000 } },
        createdAt: 1_700_000_000_000,
        expiresAt: 1_800_000_000_000,
        disabledAt: 1_700_000_000_002,
        revokedAt: 1_700_000_000_001,
      }),
    ];
    for (const record of records) {
      await store.insert(record);
      assert.deepEqual(await other.findByHash(record.hash), record);
      assert.deepEqual(await other.find(record.id), record);
    }
  });

  guarantee('what was never made is not found', async (store) => {
    await store.insert(keyRecord('a'));
    for (const hash of ['', 'hash of b', "' OR 1=1 --"]) assert.equal(await store.findByHash(hash), undefined);
    assert.equal(await store.find('b'), undefined);
    assert.deepEqual(await store.list({ userId: 'nobody', after: undefined, limit: 10 }), []);
    assert.equal(await store.revoke('nobody', 1), undefined);
  });

  guarantee('keys of a user are listed newest first, revoked ones included, and no one else’s', async (store) => {
    for (const [id, createdAt, userId] of [
      ['old', 1, 'ann'],
      ['new', 3, 'ann'],
      ['b', 2, 'ann'],
      ['a', 2, 'ann'],
      ['other', 9, 'bob'],
    ] as const) {
      await store.insert(keyRecord(id, { createdAt, userId }));
    }
    await store.revoke('old', 5);
    assert.deepEqual(
      (await store.list({ userId: 'ann', after: undefined, limit: 10 })).map(({ id, revokedAt }) => [id, revokedAt]),
      [
        ['new', undefined],
        ['b', undefined],
        ['a', undefined],
        ['old', 5],
      ],
    );
  });

  guarantee('the first revocation holds, and the record stays', async (store, other) => {
    const record = keyRecord('a');
    await store.insert(record);
    const revoked = { record: { ...record, revokedAt: 5 }, hashes: [record.hash] };
    assert.deepEqual(await store.revoke('a', 5), revoked);
    assert.deepEqual(await other.revoke('a', 9), revoked);
    assert.deepEqual(await other.findByHash(record.hash), revoked.record);
  });

  guarantee('of two keys with the same id or hash the second is refused, and the first stays', async (store, other) => {
    const record = keyRecord('a');
    await store.insert(record);
    await assert.rejects(other.insert(keyRecord('a', { hash: 'another' })));
    await assert.rejects(other.insert(keyRecord('b', { hash: record.hash })));
    assert.deepEqual(await store.findByHash(record.hash), record);
    assert.equal(await store.findByHash('another'), undefined);
  });

  guarantee('a list goes on behind a key, through ties, and never shows a key twice', async (store) => {
    const made = [...'abcdefghij'].map((id, index) => keyRecord(id, { createdAt: Math.floor(index / 4) }));
    for (const record of made) await store.insert(record);
    const everyone = keyRecord('z', { userId: 'bob', createdAt: 0 });
    await store.insert(everyone);
    const seen: string[] = [];
    let after: KeyPosition | undefined;
    do {
      const page: readonly KeyRecord[] = await store.list({ userId: 'ann', after, limit: 3 });
      seen.push(...page.map(({ id }) => id));
      after = page.at(-1);
    } while (after);
    assert.deepEqual(seen, [...'jihgfedcba']);
    assert.equal((await store.list({ userId: undefined, after: undefined, limit: 100 })).length, 11);
  });

  guarantee('a change writes what it names and leaves the rest', async (store, other) => {
    const record = keyRecord('a', { credits: { remaining: 5, refill: undefined }, rateLimitPerDay: 9 });
    await store.insert(record);
    await store.insert(keyRecord('b'));
    const refill = { amount: 3, intervalMs: 1_000, nextAt: 9 };
    const changes: KeyChanges = {
      name: 'new',
      rateLimitPerMinute: 7,
      rateLimitPerDay: undefined,
      scopes: ['x'],
      metadata: { a: 1 },
      allowedIps: ['10.0.0.0/8'],
      customerId: 'cus_2',
      credits: { remaining: 1, refill },
      expiresAt: 99,
    };
    for (const [name, value] of Object.entries(changes)) {
      const before = await store.find('a');
      const after = { ...before, [name]: value };
      assert.deepEqual(await other.update('a', { [name]: value }), { record: after, hashes: [record.hash] }, name);
    }
    assert.deepEqual(await store.findByHash(record.hash), { ...record, ...changes });
    const cleared = { credits: undefined, expiresAt: undefined, customerId: undefined };
    assert.deepEqual((await store.update('a', cleared))?.record, { ...record, ...changes, ...cleared });
    assert.deepEqual((await store.update('a', {}))?.record, { ...record, ...changes, ...cleared });
    assert.deepEqual(await store.find('b'), keyRecord('b'));
    assert.equal(await store.update('none', { name: 'x' }), undefined);
  });

  guarantee('the first moment at which a key was disabled holds until it is enabled', async (store, other) => {
    await store.insert(keyRecord('a'));
    assert.equal((await store.update('a', { disabledAt: 5 }))?.record.disabledAt, 5);
    assert.equal((await other.update('a', { disabledAt: 6 }))?.record.disabledAt, 5);
    assert.equal((await store.update('a', { disabledAt: undefined }))?.record.disabledAt, undefined);
  });

  guarantee('what is revoked is not changed any more', async (store) => {
    const record = keyRecord('a', { credits: { remaining: 1, refill: undefined } });
    await store.insert(record);
    await store.revoke('a', 5);
    const revoked = { record: { ...record, revokedAt: 5 }, hashes: [record.hash] };
    const changes = { name: 'x', credits: undefined, disabledAt: 1 };
    assert.deepEqual(await store.update('a', changes), revoked);
    assert.deepEqual(await store.rotate('a', { hash: 'new', hint: 'n', replacedUntil: 9 }), revoked);
    assert.equal(await store.findByHash('new'), undefined);
  });

  guarantee('a rotated key is found by both secrets, the former one with its end', async (store, other) => {
    const record = keyRecord('a');
    await store.insert(record);
    const changed = await store.rotate('a', { hash: 'second', hint: '2', replacedUntil: 50 });
    const current = { ...record, hash: 'second', hint: '2' };
    assert.deepEqual(changed, { record: current, hashes: ['second', record.hash] });
    assert.deepEqual(await other.findByHash('second'), current);
    assert.deepEqual(await other.findByHash(record.hash), { ...current, replacedUntil: 50 });
    await other.rotate('a', { hash: 'third', hint: '3', replacedUntil: 90 });
    const ends = await Promise.all([record.hash, 'second', 'third'].map((hash) => store.findByHash(hash)));
    assert.deepEqual(
      ends.map((found) => found?.replacedUntil),
      [50, 90, undefined],
    );
    await store.rotate('a', { hash: 'fourth', hint: '4', replacedUntil: 10 });
    const cut = await Promise.all([record.hash, 'second', 'third'].map((hash) => store.findByHash(hash)));
    assert.deepEqual(
      cut.map((found) => found?.replacedUntil),
      [10, 10, 10],
      'a rotation without overlap ends all that went before',
    );
    const revoked = await store.revoke('a', 5);
    assert.deepEqual([...(revoked?.hashes ?? [])].sort(), ['fourth', record.hash, 'second', 'third'].sort());
    assert.equal(await store.rotate('none', { hash: 'x', hint: 'x', replacedUntil: 1 }), undefined);
  });

  guarantee('of rotations at one moment none is lost: each secret opens, one for good', async (store, other) => {
    await store.insert(keyRecord('a'));
    const hashes = Array.from({ length: 8 }, (_, n) => `secret ${n}`);
    await Promise.all(
      hashes.map((hash, n) => (n % 2 ? store : other).rotate('a', { hash, hint: hash, replacedUntil: 50 })),
    );
    const found = await Promise.all(['hash of a', ...hashes].map((hash) => store.findByHash(hash)));
    const ends = found.map((record) => record?.replacedUntil);
    assert.ok(found.every((record) => record?.id === 'a'));
    assert.deepEqual([ends.filter((end) => end === 50).length, ends.filter((end) => end === undefined).length], [8, 1]);
  });

  const once = (changes: Partial<Once> = {}): Once => ({
    idHash: 'id',
    requestHash: 'request',
    sealedKey: 'sealed',
    nowMs: 0,
    expiresAt: 100,
    ...changes,
  });

  guarantee('a call that is repeated makes one key, and is told of it', async (store, other) => {
    assert.equal(await store.insert(keyRecord('a'), once()), undefined);
    const before = { keyId: 'a', requestHash: 'request', sealedKey: 'sealed' };
    assert.deepEqual(await other.insert(keyRecord('b'), once({ requestHash: 'other', sealedKey: 'x' })), before);
    assert.equal(await store.find('b'), undefined);
    const secret = { hash: 'n', hint: 'n', replacedUntil: 1 };
    assert.deepEqual(await store.rotate('a', secret, once()), before);
    assert.equal((await store.find('a'))?.hash, 'hash of a');
    assert.equal(await store.insert(keyRecord('c'), once({ nowMs: 100, expiresAt: 200 })), undefined, 'a day later');
    assert.ok(await store.find('c'));
  });

  guarantee('of many equal calls at one moment one makes a key, and all name it', async (store, other) => {
    const ids = Array.from({ length: 16 }, (_, n) => `key ${n}`);
    const answers = await Promise.all(ids.map((id, n) => (n % 2 ? store : other).insert(keyRecord(id), once())));
    const made = await store.list({ userId: 'ann', after: undefined, limit: 100 });
    assert.equal(made.length, 1);
    assert.deepEqual(
      answers.filter((answer) => answer !== undefined).map(({ keyId }) => keyId),
      Array(15).fill(made[0]?.id),
    );
  });

  guarantee('an import brings each hash once, and leaves those that are there', async (store, other) => {
    await store.insert(keyRecord('a'));
    await store.rotate('a', { hash: 'second', hint: '2', replacedUntil: 0 });
    const records = [
      keyRecord('x', { hash: 'second' }),
      keyRecord('y', { hash: 'hash of a' }),
      keyRecord('z', { credits: { remaining: 2, refill: undefined } }),
    ];
    assert.deepEqual(await other.importAll(records), [
      { id: 'a', outcome: 'exists' },
      { id: 'a', outcome: 'exists' },
      { id: 'z', outcome: 'imported' },
    ]);
    assert.deepEqual(await store.find('z'), records[2]);
    const many = Array.from({ length: 50 }, (_, n) => keyRecord(`many ${n}`));
    const all = [store.importAll(many), other.importAll(many.toReversed()), other.importAll(many)];
    const [first = [], reversed = [], last = []] = await Promise.all(all);
    const importedBy = [first, reversed, last].map((one) => one.filter(({ outcome }) => outcome === 'imported').length);
    assert.deepEqual(importedBy.toSorted(), [0, 0, 50], 'whichever way round others import the same');
    const ids = many.map(({ id }) => id);
    for (const one of [first, reversed.toReversed(), last])
      assert.deepEqual(
        one.map(({ id }) => id),
        ids,
      );
    await assert.rejects(store.importAll([keyRecord('one'), keyRecord('z', { hash: 'same id' })]));
    assert.equal(await store.find('one'), undefined, 'all or none');
  });

  guarantee('credits are taken one by one, to the last, and not further', async (store) => {
    await store.insert(keyRecord('a', { credits: { remaining: 2, refill: undefined } }));
    await store.insert(keyRecord('free'));
    assert.deepEqual(await store.takeCredit('a', 0), { taken: true, remaining: 1 });
    assert.deepEqual(await store.takeCredit('a', 0), { taken: true, remaining: 0 });
    assert.deepEqual(await store.takeCredit('a', 0), { taken: false, retryAt: undefined });
    assert.equal((await store.find('a'))?.credits?.remaining, 0);
    for (const id of ['free', 'none']) assert.equal(await store.takeCredit(id, 0), undefined);
  });

  guarantee('a refill comes when it is due, once however many were missed, and keeps its beat', async (store) => {
    const refill = { amount: 3, intervalMs: 1_000, nextAt: 10_000 };
    await store.insert(keyRecord('a', { credits: { remaining: 0, refill } }));
    const left = async (nowMs: number) => {
      const taken = await store.takeCredit('a', nowMs);
      return [taken?.taken && taken.remaining, (await store.find('a'))?.credits?.refill?.nextAt];
    };
    assert.deepEqual(await store.takeCredit('a', 9_999), { taken: false, retryAt: 10_000 });
    assert.deepEqual(await left(10_000), [2, 11_000]);
    assert.deepEqual(await left(10_999), [1, 11_000]);
    assert.deepEqual(await left(14_500), [2, 15_000]);
    assert.deepEqual(await left(15_000), [2, 16_000]);
    await store.update('a', { credits: { remaining: 10, refill: { ...refill, nextAt: 16_000 } } });
    assert.deepEqual(await left(16_000), [9, 17_000], 'more than the refill stays');
  });

  guarantee('requests at one moment never take more credits than there are', async (store, other) => {
    const refill = { amount: 25, intervalMs: 1_000, nextAt: 1 };
    await store.insert(keyRecord('a', { credits: { remaining: 3, refill } }));
    const taken = await Promise.all(Array.from({ length: 60 }, (_, n) => (n % 2 ? store : other).takeCredit('a', 1)));
    const remaining = taken.flatMap((one) => (one?.taken ? [one.remaining] : []));
    assert.deepEqual(
      remaining.sort((a, b) => a - b),
      Array.from({ length: 25 }, (_, n) => n),
    );
  });

  guarantee('a question that is asked again takes no further credit, until it runs out', async (store, other) => {
    await store.insert(keyRecord('a', { credits: { remaining: 9, refill: undefined } }));
    await store.insert(keyRecord('b', { credits: { remaining: 9, refill: undefined } }));
    const one = { key: 'one', untilMs: 100 };
    assert.equal(await store.hasTakenCredit('a', one, 0), false);
    assert.deepEqual(await store.takeCredit('a', 0, one), { taken: true, remaining: 8 });
    assert.deepEqual(await other.takeCredit('a', 99, { key: 'one', untilMs: 199 }), { taken: true, remaining: 8 });
    assert.equal(await other.hasTakenCredit('a', one, 99), true);
    assert.equal(await store.hasTakenCredit('b', one, 99), false, 'of another key');
    assert.deepEqual(await store.takeCredit('b', 99, one), { taken: true, remaining: 8 });
    assert.deepEqual(await store.takeCredit('a', 99, { key: 'two', untilMs: 199 }), { taken: true, remaining: 7 });
    assert.deepEqual(await store.takeCredit('a', 99), { taken: true, remaining: 6 });
    assert.equal(await store.hasTakenCredit('a', one, 100), false);
    assert.deepEqual(await store.takeCredit('a', 100, { key: 'one', untilMs: 200 }), { taken: true, remaining: 5 });
  });

  guarantee(
    'the last credit is taken once by a question, however often it is asked at one moment',
    async (store, other) => {
      await store.insert(keyRecord('a', { credits: { remaining: 1, refill: undefined } }));
      const question = { key: 'one', untilMs: 100 };
      const taken = await Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 ? store : other).takeCredit('a', 1, question)),
      );
      assert.deepEqual(new Set(taken.map((one) => JSON.stringify(one))), new Set(['{"taken":true,"remaining":0}']));
      assert.deepEqual(await store.takeCredit('a', 1, { key: 'two', untilMs: 100 }), {
        taken: false,
        retryAt: undefined,
      });
      assert.equal(await store.hasTakenCredit('a', { key: 'two', untilMs: 100 }, 1), false);
    },
  );
};
