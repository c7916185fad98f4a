import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { billingStoreContract } from '../../../test/billing/billing-store-contract.ts';
import { customerStoreContract } from '../../../test/billing/customer-store-contract.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { openSqliteStores } from './stores.ts';

const openTwo = (t: TestContext) => {
  const { path, remove } = createWorkdir('billing');
  const open = () => openSqliteStores(join(path, 'test.db'));
  const [one, other] = [open(), open()];
  t.after(async () => {
    await Promise.all([one.close(), other.close()]);
    remove();
  });
  return [one, other] as const;
};

billingStoreContract('sqlite', async (t) => {
  const [one, other] = openTwo(t);
  return [one.billing, other.billing];
});

customerStoreContract('sqlite', async (t) => openTwo(t)[0]);
