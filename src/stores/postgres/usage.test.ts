import { after } from 'node:test';
import { createDatabase, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { usageStoreContract } from '../../../test/usage/usage-store-contract.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const url = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

usageStoreContract(
  'postgres',
  async (t) => {
    const settings = settingsOf(await createDatabase({ url }));
    const [one, other] = [await openPostgresStores(settings), await openPostgresStores(settings)];
    t.after(async () => {
      await Promise.all([one.close(), other.close()]);
    });
    return [one.usage, other.usage];
  },
  options,
);
