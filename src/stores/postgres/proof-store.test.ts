import { after, type TestContext } from 'node:test';
import { proofStoreContract } from '../../../test/payments/proof-store-contract.ts';
import { refundStoreContract } from '../../../test/payments/refund-store-contract.ts';
import { spendStoreContract } from '../../../test/payments/spend-store-contract.ts';
import { createDatabase, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const url = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

const open = async (t: TestContext) => {
  const stores = await openPostgresStores(settingsOf(await createDatabase({ url })));
  t.after(stores.close);
  return stores;
};

proofStoreContract('postgres', open, options);
spendStoreContract('postgres', open, options);
refundStoreContract('postgres', open, options);
