import { after } from 'node:test';
import { openPostgresStores } from '../../src/stores/postgres/stores.ts';
import { createDatabase, startPostgres } from '../servers/postgres.ts';
import { settingsOf } from '../servers/postgres-stores.ts';
import { needs } from '../servers/programs.ts';
import { offlineStormContract } from './offline-storm-contract.ts';

const options = needs('postgres');
const server = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

offlineStormContract(
  'postgres',
  async () => {
    const url = await createDatabase({ url: server });
    return { store: url, open: () => openPostgresStores(settingsOf(url)) };
  },
  options,
);
