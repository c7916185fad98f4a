import { Secret } from '../../core/secret.ts';
import { createStoreThread, type StoreThread } from '../sql/store-thread.ts';
import type { PostgresSettings } from './pool.ts';

/** One for each batch that is under way. */
const CONNECTIONS = 2;

/** What a thread is given: an object with methods would lose them on the way. */
type SentSettings = Readonly<Omit<PostgresSettings, 'password'> & { password: string }>;

export const receiveSettings = ({ password, ...rest }: SentSettings): PostgresSettings => ({
  ...rest,
  password: new Secret(password),
});

/**
 * Batches of usage have thousands of values: to send them would hold up answers for 10 ms and more. It has connections of its
 * own, beside `maxConnections`.
 */
export const createUsageThread = ({ password, ...rest }: PostgresSettings): StoreThread => {
  const sent: SentSettings = { ...rest, password: password.reveal(), maxConnections: CONNECTIONS };
  return createStoreThread(new URL('./usage-thread.ts', import.meta.url), sent);
};
