/** Opens the store for a command, whether the service runs or not. */
import { openStores } from '../assemble/stores.ts';
import type { Config } from '../config/config.ts';
import type { Stores } from '../stores/sql/stores.ts';
import { type CommandOptions, loadToServe } from './load.ts';

/** 1 where the configuration cannot be loaded, which is said. */
export const withStores = async (
  options: CommandOptions,
  run: (stores: Stores, config: Config) => Promise<number>,
): Promise<number> => {
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  const stores = await openStores(loaded.config);
  try {
    return await run(stores, loaded.config);
  } finally {
    await stores.close();
  }
};
