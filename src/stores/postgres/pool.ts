/** Connections to PostgreSQL: how many, how long each step may take, and how values are read. */
import pg from 'pg';
import type { Secret } from '../../core/secret.ts';
import type { Row, SqlValue } from '../sql/transaction.ts';
import { Fault, faultOfConnect, faultOfQuery, isBroken } from './fault.ts';

export type PostgresSettings = Readonly<{
  /** A name, an address, or the folder of a Unix socket. */
  host: string;
  port: number;
  user: string;
  password: Secret;
  database: string;
  /** The server must prove by its certificate that it is `host`. `ca`: by these authorities, in PEM, and no others. */
  tls: Readonly<{ ca: string | undefined }> | undefined;
  /** Of this process. */
  maxConnections: number;
}>;

export type Connection = Readonly<{
  query(sql: string, values?: readonly SqlValue[]): Promise<Readonly<{ rows: readonly Row[]; changes: number }>>;
  /** Several statements in one exchange. Gives the command of the last that ran. */
  script(sql: string): Promise<string>;
}>;

export type Pool = Readonly<{
  /** The connection is kept for others where it is whole and no transaction was left open. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}>;

/** All less than callers wait, so that they are told what is wrong. */
const CONNECT_TIMEOUT_MS = 3_000;
/** Whoever holds a lock and is not heard of any more (frozen, cut off) loses it before others give up waiting for it. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 1_500;
const LOCK_TIMEOUT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 3_000;
/** For a network that swallows the answer. */
const ANSWER_TIMEOUT_MS = 4_000;
const IDLE_TIMEOUT_MS = 60_000;
const KEEPALIVE_AFTER_MS = 10_000;
/** Beyond this many that wait for a connection, waiting is in vain. */
const MOST_WAITING = 1_000;

/** Where an operator has switched it off, a commit that was answered would not survive a crash. */
const SESSION = `SELECT set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', false),
  set_config('statement_timeout', '${STATEMENT_TIMEOUT_MS}', false),
  set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_TIMEOUT_MS}', false),
  set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), false)`;

const BIGINT = 20;
const NUMERIC = 1_700;

/** Sums of money are numbers here, and exact or refused. */
const toSafeInteger = (text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new Fault('refused', 'PostgreSQL gave a number that is no safe integer');
};

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === BIGINT || oid === NUMERIC ? toSafeInteger : pg.types.getTypeParser(oid, format),
};

const tlsOf = ({ host, tls }: PostgresSettings): pg.PoolConfig['ssl'] =>
  tls ? { host, rejectUnauthorized: true, ...(tls.ca !== undefined && { ca: tls.ca }) } : false;

const connectionOn = (client: pg.PoolClient): Connection => ({
  async query(sql, values = []) {
    try {
      const { rows, rowCount } = await client.query<Row>(sql, [...values]);
      return { rows, changes: rowCount ?? 0 };
    } catch (error) {
      throw faultOfQuery(error);
    }
  },

  async script(sql) {
    try {
      // One statement gives one result, several an array of them, which the declared types do not know.
      const answers: readonly pg.QueryResult[] = [await client.query(sql)].flat();
      return answers.at(-1)?.command ?? '';
    } catch (error) {
      throw faultOfQuery(error);
    }
  },
});

export const createPool = (settings: PostgresSettings): Pool => {
  const { host, port, user, password, database, maxConnections } = settings;
  const pool = new pg.Pool({
    host,
    port,
    user,
    password: () => password.reveal(),
    database,
    ssl: tlsOf(settings),
    application_name: 'sallyport',
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_AFTER_MS,
    types,
    async onConnect(client) {
      // Who uses the connection learns from the query; while nobody does, it is only taken out of the pool.
      client.on('error', () => undefined);
      await client.query(SESSION);
    },
  });
  pool.on('error', () => undefined);

  const connect = async (): Promise<pg.PoolClient> => {
    if (pool.waitingCount >= MOST_WAITING) throw new Fault('unavailable', 'too many wait for PostgreSQL already');
    try {
      return await pool.connect();
    } catch (error) {
      throw faultOfConnect(error);
    }
  };

  return {
    async use(work) {
      const client = await connect();
      let broken = false;
      try {
        return await work(connectionOn(client));
      } catch (error) {
        broken = isBroken(error);
        throw error;
      } finally {
        client.release(broken || client.getTransactionStatus() !== 'I');
      }
    },

    close: () => pool.end(),
  };
};
