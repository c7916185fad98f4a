import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ledgerContract } from '../../../test/payments/ledger-contract.ts';
import { resealContract } from '../../../test/payments/reseal-contract.ts';
import { sealingContract } from '../../../test/payments/sealing-contract.ts';
import { sessionContract } from '../../../test/payments/session-contract.ts';
import { unitsContract } from '../../../test/payments/units-contract.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { createSealer } from '../../paywall/seal.ts';
import { createSealedLedger } from '../../paywall/sealed-ledger.ts';
import { openSqliteStores } from './stores.ts';

const openAll = async (t: TestContext) => {
  const { path, remove } = createWorkdir('ledger');
  const stores = openSqliteStores(join(path, 'test.db'));
  t.after(async () => {
    await stores.close();
    remove();
  });
  return stores;
};

const open = async (t: TestContext) => (await openAll(t)).ledger;

ledgerContract('sqlite', open);
sessionContract('sqlite', open);
unitsContract('sqlite', open);
ledgerContract('sqlite, sealed', async (t) => createSealedLedger(await open(t), createSealer(randomBytes(32))));
sealingContract('sqlite', open);
resealContract('sqlite', openAll);
