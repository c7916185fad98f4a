import { join } from 'node:path';
import { podStoreContract } from '../../../test/payments/pod-store-contract.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { openSqliteStores } from './stores.ts';

podStoreContract('sqlite', async (t) => {
  const { path, remove } = createWorkdir('pods');
  const stores = openSqliteStores(join(path, 'test.db'));
  t.after(async () => {
    await stores.close();
    remove();
  });
  return stores;
});
