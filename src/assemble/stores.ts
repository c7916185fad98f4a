/** The store that the configuration names. A database on the network is loaded only where it is asked for. */
import type { Config } from '../config/config.ts';
import { readPostgresUrl } from '../config/postgres-url.ts';
import { Secret } from '../core/secret.ts';
import type { Stores } from '../stores/sql/stores.ts';
import { openSqliteStores } from '../stores/sqlite/stores.ts';

type PostgresConfig = Extract<Config['store'], { type: 'postgres' }>;

const openPostgres = async ({ url, ca, max_connections }: PostgresConfig): Promise<Stores> => {
  const { openPostgresStores } = await import('../stores/postgres/stores.ts');
  const address = readPostgresUrl(url instanceof Secret ? url.reveal() : '');
  if ('message' in address) throw new Error(`store: ${address.message}; expected ${address.expected}`);
  const { tls, ...rest } = address;
  return openPostgresStores({ ...rest, tls: tls ? { ca } : undefined, maxConnections: max_connections });
};

/** Throws where it cannot be opened, and will not be without a change. */
export const openStores = async ({ store }: Config): Promise<Stores> => {
  switch (store.type) {
    case 'sqlite':
      return openSqliteStores(store.path);
    case 'postgres':
      return openPostgres(store);
  }
};
