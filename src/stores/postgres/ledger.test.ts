import { after, type TestContext } from 'node:test';
import { ledgerContract, type OpenLedger } from '../../../test/payments/ledger-contract.ts';
import { resealContract } from '../../../test/payments/reseal-contract.ts';
import { sealingContract } from '../../../test/payments/sealing-contract.ts';
import { sessionContract } from '../../../test/payments/session-contract.ts';
import { unitsContract } from '../../../test/payments/units-contract.ts';
import { createDatabase, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const url = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

const openAll = async (t: TestContext) => {
  const stores = await openPostgresStores(settingsOf(await createDatabase({ url })));
  t.after(stores.close);
  return stores;
};

const open: OpenLedger = async (t) => (await openAll(t)).ledger;

ledgerContract('postgres', open, options);
sessionContract('postgres', open, options);
unitsContract('postgres', open, options);
sealingContract('postgres', open, options);
resealContract('postgres', openAll, options);
