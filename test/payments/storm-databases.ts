import { openPostgresStores } from '../../src/stores/postgres/stores.ts';
import type { Owner } from '../servers/last-resort.ts';
import { ask, createDatabase, startPostgres } from '../servers/postgres.ts';
import { settingsOf } from '../servers/postgres-stores.ts';
import { needs } from '../servers/programs.ts';

/** Databases of one PostgreSQL, an empty one for each storm. */
export const stormDatabases = async (owner: Owner) => {
  const options = needs('postgres');
  const server = options.skip ? '' : (await startPostgres({ owner })).url;
  const make = async () => {
    const url = await createDatabase({ url: server });
    return {
      store: url,
      open: () => openPostgresStores(settingsOf(url)),
      query: (sql: string) => ask(url, sql),
    };
  };
  return { options, make };
};
