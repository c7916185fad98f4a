import { Redis } from 'ioredis';
import type { Secret } from '../../core/secret.ts';

/** Where Redis is, and how it is spoken to. */
export type RedisTarget = Readonly<{
  host: string;
  port: number;
  db: number;
  username: string | undefined;
  password: Secret | undefined;
  /** `ca`: the authority that signed the server's certificate, in PEM; those that Node knows without it. */
  tls: Readonly<{ ca: string | undefined }> | undefined;
  keyPrefix: string;
  /** How long a decision waits for an answer. */
  timeoutMs: number;
}>;

export const CONNECT_WITHIN_MS = 2_000;

/** Not connected yet, and connecting once: whether and when to try again is for the caller to decide. */
export const createClient = ({
  host,
  port,
  db,
  username,
  password,
  tls,
}: Omit<RedisTarget, 'keyPrefix' | 'timeoutMs'>): Redis =>
  new Redis({
    host,
    port,
    db,
    // Of either family, whichever the name has.
    family: 0,
    connectionName: 'sallyport',
    // Commands, and what others tell, on one connection.
    protocol: 3,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(tls ? { tls: tls.ca === undefined ? {} : { ca: tls.ca } } : {}),
    lazyConnect: true,
    connectTimeout: CONNECT_WITHIN_MS,
    retryStrategy: null,
    enableOfflineQueue: false,
    // A request that was sent twice would be counted twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A server that still loads its data refuses the first command that writes.
    enableReadyCheck: false,
  });

/** Without waiting for a goodbye from whoever does not answer. What was asked and not answered is rejected. */
export const abandon = (client: Redis): void => {
  client.disconnect();
  client.stream?.destroy();
};
