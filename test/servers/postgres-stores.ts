import { Secret } from '../../src/core/secret.ts';
import type { PostgresSettings } from '../../src/stores/postgres/pool.ts';

/** Settings of the store for a database of a test server. */
export const settingsOf = (url: string, maxConnections = 10): PostgresSettings => {
  const { hostname, port, username, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    user: username,
    password: new Secret('none is asked for'),
    database: pathname.slice(1),
    tls: undefined,
    maxConnections,
  };
};
