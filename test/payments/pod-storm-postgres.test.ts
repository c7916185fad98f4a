import { after } from 'node:test';
import { openPostgresStores } from '../../src/stores/postgres/stores.ts';
import { ask, createDatabase, startPostgres } from '../servers/postgres.ts';
import { settingsOf } from '../servers/postgres-stores.ts';
import { needs } from '../servers/programs.ts';
import { podStormContract } from './pod-storm-contract.ts';

const options = needs('postgres');
const server = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

podStormContract(
  'postgres',
  async () => {
    const url = await createDatabase({ url: server });
    return {
      store: url,
      open: () => openPostgresStores(settingsOf(url)),
      query: (sql) => ask(url, sql),
    };
  },
  14,
  options,
);
