import { after } from 'node:test';
import { ledgerContract, type OpenLedger } from '../../../test/payments/ledger-contract.ts';
import { sealingContract } from '../../../test/payments/sealing-contract.ts';
import { sessionContract } from '../../../test/payments/session-contract.ts';
import { unitsContract } from '../../../test/payments/units-contract.ts';
import { createDatabase, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const url = options.skip ? '' : (await startPostgres({ owner: { after } })).url;

const open: OpenLedger = async (t) => {
  const stores = await openPostgresStores(settingsOf(await createDatabase({ url })));
  t.after(stores.close);
  return stores.ledger;
};

ledgerContract('postgres', open, options);
sessionContract('postgres', open, options);
unitsContract('postgres', open, options);
sealingContract('postgres', open, options);
