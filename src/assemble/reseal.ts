/** What `sallyport wallet reseal` needs: the store of the configuration, and its keys. */
import type { Config } from '../config/config.ts';
import { createReseal, type ResealResult } from '../paywall/reseal.ts';
import { assembleLedger, createConfiguredSealer } from './ledger.ts';
import { openStores } from './stores.ts';

/** Throws where the store cannot be opened, a key is missing, or there is none to seal with. */
export const resealLedger = async (config: Config): Promise<ResealResult> => {
  await using stack = new AsyncDisposableStack();
  const stores = await openStores(config);
  stack.defer(stores.close);
  // Notes the present key first: whoever starts without it is told, however far this gets.
  await assembleLedger(config, stores, () => undefined);
  return await createReseal(stores.secrets, createConfiguredSealer(config))();
};
