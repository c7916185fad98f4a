import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { deferredContract } from '../../../test/payments/deferred-contract.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { createSealedDeferredLedger } from '../../paywall/deferred/sealed-deferred-ledger.ts';
import { createSealer } from '../../paywall/seal.ts';
import { createSealedLedger } from '../../paywall/sealed-ledger.ts';
import { createSealedProofStore } from '../../paywall/wallet/sealed-proof-store.ts';
import { openSqliteStores } from './stores.ts';

const open = async (t: TestContext) => {
  const { path, remove } = createWorkdir('deferred');
  const stores = openSqliteStores(join(path, 'test.db'));
  t.after(async () => {
    await stores.close();
    remove();
  });
  return stores;
};

deferredContract('sqlite', open);
deferredContract('sqlite, sealed', async (t) => {
  const { ledger, proofs, deferred } = await open(t);
  const sealer = createSealer(randomBytes(32));
  return {
    ledger: createSealedLedger(ledger, sealer),
    proofs: createSealedProofStore(proofs, sealer),
    deferred: createSealedDeferredLedger(deferred, sealer),
  };
});
