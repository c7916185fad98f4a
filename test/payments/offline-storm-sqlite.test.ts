import { join } from 'node:path';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { offlineStormContract } from './offline-storm-contract.ts';

offlineStormContract('sqlite', async (t) => {
  const path = join(createWorkdir('storm-db', { after: (end) => t.after(end) }).path, 'test.db');
  return { store: `sqlite:${path}`, open: async () => openSqliteStores(path) };
});
