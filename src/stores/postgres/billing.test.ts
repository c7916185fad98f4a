import { after, type TestContext } from 'node:test';
import { billingStoreContract } from '../../../test/billing/billing-store-contract.ts';
import { customerStoreContract } from '../../../test/billing/customer-store-contract.ts';
import { createDatabase, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const url = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

const openTwo = async (t: TestContext) => {
  const settings = settingsOf(await createDatabase({ url }));
  const [one, other] = [await openPostgresStores(settings), await openPostgresStores(settings)];
  t.after(async () => {
    await Promise.all([one.close(), other.close()]);
  });
  return [one, other] as const;
};

billingStoreContract(
  'postgres',
  async (t) => {
    const [one, other] = await openTwo(t);
    return [one.billing, other.billing];
  },
  options,
);

customerStoreContract('postgres', async (t) => (await openTwo(t))[0], options);
