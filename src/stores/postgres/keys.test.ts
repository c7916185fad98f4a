import { after } from 'node:test';
import { keyStoreContract } from '../../../test/keys/key-store-contract.ts';
import { createDatabase, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const url = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

keyStoreContract(
  'postgres',
  async (t) => {
    const settings = settingsOf(await createDatabase({ url }));
    const [one, other] = [await openPostgresStores(settings), await openPostgresStores(settings)];
    t.after(async () => {
      await Promise.all([one.close(), other.close()]);
    });
    return [one.keys, other.keys];
  },
  options,
);
