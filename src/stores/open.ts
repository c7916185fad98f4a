import type { Stores } from './sql/stores.ts';
import { openSqliteStores } from './sqlite/stores.ts';

export type StoreChoice = Readonly<{ type: 'sqlite'; path: string } | { type: 'postgres'; url: unknown }>;

/** The store that the configuration names. Throws where it cannot be opened. */
export const openStores = (choice: StoreChoice): Stores => {
  switch (choice.type) {
    case 'sqlite':
      return openSqliteStores(choice.path);
    case 'postgres':
      throw new Error('the PostgreSQL store is not available yet');
  }
};
