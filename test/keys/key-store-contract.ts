/** What every store of API keys holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { KeyRecord, KeyStore } from '../../src/keys/key-store.ts';

/** Twice the same store, as two replicas have it. */
export type OpenKeyStores = (t: TestContext) => Promise<readonly [KeyStore, KeyStore]>;

const recordOf = (id: string, changes: Partial<KeyRecord> = {}): KeyRecord => ({
  id,
  hash: `hash of ${id}`,
  hint: 'sk-…abcd',
  userId: 'ann',
  name: 'laptop',
  rateLimitPerMinute: undefined,
  rateLimitPerDay: undefined,
  scopes: [],
  metadata: {},
  createdAt: 1_000,
  revokedAt: undefined,
  ...changes,
});

export const keyStoreContract = (name: string, open: OpenKeyStores, options: { skip?: string | false } = {}): void => {
  const guarantee = (what: string, check: (store: KeyStore, other: KeyStore) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(...(await open(t))));

  guarantee('a key is found by another replica as it was made, to the last field', async (store, other) => {
    const records = [
      recordOf('bare'),
      recordOf('full', {
        name: '鍵 "quoted" \\ `\u2028',
        rateLimitPerMinute: 1,
        rateLimitPerDay: Number.MAX_SAFE_INTEGER,
        scopes: ['a', 'b c'],
        metadata: { roles: ['admin'], nested: { text: 'ü\u0000', number: 1.5, none: null } },
        createdAt: 1_700_000_000_000,
        revokedAt: 1_700_000_000_001,
      }),
    ];
    for (const record of records) {
      await store.insert(record);
      assert.deepEqual(await other.findByHash(record.hash), record);
    }
  });

  guarantee('what was never made is not found', async (store) => {
    await store.insert(recordOf('a'));
    for (const hash of ['', 'hash of b', "' OR 1=1 --"]) assert.equal(await store.findByHash(hash), undefined);
    assert.deepEqual(await store.listByUser('nobody'), []);
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
      await store.insert(recordOf(id, { createdAt, userId }));
    }
    await store.revoke('old', 5);
    assert.deepEqual(
      (await store.listByUser('ann')).map(({ id, revokedAt }) => [id, revokedAt]),
      [
        ['new', undefined],
        ['a', undefined],
        ['b', undefined],
        ['old', 5],
      ],
    );
  });

  guarantee('the first revocation holds, and the record stays', async (store, other) => {
    const record = recordOf('a');
    await store.insert(record);
    const revoked = { ...record, revokedAt: 5 };
    assert.deepEqual(await store.revoke('a', 5), revoked);
    assert.deepEqual(await other.revoke('a', 9), revoked);
    assert.deepEqual(await other.findByHash(record.hash), revoked);
  });

  guarantee('of two keys with the same id or hash the second is refused, and the first stays', async (store, other) => {
    const record = recordOf('a');
    await store.insert(record);
    await assert.rejects(other.insert(recordOf('a', { hash: 'another' })));
    await assert.rejects(other.insert(recordOf('b', { hash: record.hash })));
    assert.deepEqual(await store.findByHash(record.hash), record);
    assert.equal(await store.findByHash('another'), undefined);
  });
};
