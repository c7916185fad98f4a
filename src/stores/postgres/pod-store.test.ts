import { after, type TestContext } from 'node:test';
import { podLedgerProperty } from '../../../test/payments/pod-ledger-property.ts';
import { podStoreContract } from '../../../test/payments/pod-store-contract.ts';
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

podStoreContract('postgres', open, options);
podLedgerProperty('postgres', open, 10, options);
