import { join } from 'node:path';
import { ledgerContract } from '../../../test/payments/ledger-contract.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { openSqliteStores } from './stores.ts';

ledgerContract('sqlite', async (t) => {
  const { path, remove } = createWorkdir('ledger');
  const stores = openSqliteStores(join(path, 'test.db'));
  t.after(async () => {
    await stores.close();
    remove();
  });
  return stores.ledger;
});
