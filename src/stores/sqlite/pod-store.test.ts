import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { podLedgerProperty } from '../../../test/payments/pod-ledger-property.ts';
import { podStoreContract } from '../../../test/payments/pod-store-contract.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { openSqliteStores } from './stores.ts';

const open = async (t: TestContext) => {
  const { path, remove } = createWorkdir('pods');
  const stores = openSqliteStores(join(path, 'test.db'));
  t.after(async () => {
    await stores.close();
    remove();
  });
  return stores;
};

podStoreContract('sqlite', open);
podLedgerProperty('sqlite', open, 25);
