import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startNutshell } from '../servers/nutshell.ts';
import { mintSuite } from './mint-suite.ts';

mintSuite({
  name: 'Nutshell',
  program: 'nutshell',
  keysetVersion: 2,
  start: startNutshell,

  startWithNewKeys(options) {
    const database = new DatabaseSync(join(options.directory, 'mint', 'mint.sqlite3'));
    database.exec('UPDATE keysets SET active = 0');
    database.close();
    return startNutshell({ ...options, settings: { MINT_DERIVATION_PATH: "m/0'/0'/7'" } });
  },
});
