import { after } from 'node:test';
import { podStoreContract } from '../../../test/payments/pod-store-contract.ts';
import { createDatabase, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const url = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

podStoreContract(
  'postgres',
  async (t) => {
    const stores = await openPostgresStores(settingsOf(await createDatabase({ url })));
    t.after(stores.close);
    return stores;
  },
  options,
);
