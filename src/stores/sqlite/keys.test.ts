import { join } from 'node:path';
import { keyStoreContract } from '../../../test/keys/key-store-contract.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { openSqliteStores } from './stores.ts';

keyStoreContract('sqlite', async (t) => {
  const { path, remove } = createWorkdir('keys');
  const open = () => openSqliteStores(join(path, 'test.db'));
  const [one, other] = [open(), open()];
  t.after(async () => {
    await Promise.all([one.close(), other.close()]);
    remove();
  });
  return [one.keys, other.keys];
});
