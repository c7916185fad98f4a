import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { proofStoreContract } from '../../../test/payments/proof-store-contract.ts';
import { refundStoreContract } from '../../../test/payments/refund-store-contract.ts';
import { spendStoreContract } from '../../../test/payments/spend-store-contract.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { createSealer } from '../../paywall/seal.ts';
import { createSealedLedger } from '../../paywall/sealed-ledger.ts';
import { createSealedProofStore } from '../../paywall/wallet/sealed-proof-store.ts';
import { createSealedSpendStore } from '../../paywall/wallet/sealed-spend-store.ts';
import { migrations } from '../sql/migrations.ts';
import { openSqliteStores } from './stores.ts';

const open = async (t: TestContext) => {
  const { path, remove } = createWorkdir('proofs');
  const stores = openSqliteStores(join(path, 'test.db'));
  t.after(async () => {
    await stores.close();
    remove();
  });
  return stores;
};

const openSealed = async (t: TestContext) => {
  const { ledger, proofs, spends } = await open(t);
  const sealer = createSealer(randomBytes(32));
  return {
    ledger: createSealedLedger(ledger, sealer),
    proofs: createSealedProofStore(proofs, sealer),
    spends: createSealedSpendStore(spends, sealer),
  };
};

proofStoreContract('sqlite', open);
proofStoreContract('sqlite, sealed', openSealed);
spendStoreContract('sqlite', open);
refundStoreContract('sqlite', open);
spendStoreContract('sqlite, sealed', openSealed);

test('proofs of a database that knew no spends are all there after the change of its schema', async (t) => {
  const { path, remove } = createWorkdir('proofs');
  const file = join(path, 'test.db');
  const before = migrations.findIndex((statements) => statements.some((sql) => sql.includes('CREATE TABLE spends')));
  const old = new DatabaseSync(file);
  for (const statements of migrations.slice(0, before)) for (const sql of statements) old.exec(sql);
  old.exec(`PRAGMA user_version = ${before}`);
  old.exec(`INSERT INTO payments (id, state, mint, unit, amount, rule, lease_until, tries, created_at)
      VALUES ('p', 'prepared', 'm', 'sat', 7, 'r', 0, 0, 0);
    INSERT INTO exports VALUES ('e', 'm', 'sat', 4, 'token', 0);
    INSERT INTO proofs VALUES ('a', 'p', 'm', 'sat', '00', 4, 's', '02', 'reserved', 'e');
    INSERT INTO proofs VALUES ('b', 'p', 'm', 'sat', '00', 3, 't', '02', 'unspent', NULL);`);
  old.close();
  const stores = openSqliteStores(file);
  t.after(async () => {
    await stores.close();
    remove();
  });
  const found = await stores.proofs.find(['a', 'b']);
  assert.deepEqual(
    found.map(({ amount, secret, state, paymentId }) => [amount, secret, state, paymentId]),
    [
      [4, 's', 'reserved', 'p'],
      [3, 't', 'unspent', 'p'],
    ],
  );
});

test('a key that sealed only a spend of our own is missed', async (t) => {
  const { ledger, proofs, spends } = await open(t);
  const [sealer, id] = [createSealer(randomBytes(32)), 'pay_1'];
  await ledger.noteKeys(sealer.currentKeyId, sealer.keyIds);
  const drawn = { body: 'body', outputs: 'outputs', sent: 0, createdAtMs: 0 };
  const spend = { id, kind: 'swap', mint: 'https://mint.example', unit: 'sat', amount: 1, ...drawn } as const;
  assert.ok(await createSealedSpendStore(spends, sealer).prepare(spend, []));
  assert.deepEqual(await ledger.noteKeys(undefined, []), sealer.keyIds);
  assert.deepEqual(await proofs.balances(), []);
});
