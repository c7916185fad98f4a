/** Brings the schema to the newest version. Any number of replicas may start at once: one does it, the others wait. */
import { migrations } from '../sql/migrations.ts';
import { createCommitTable } from './commit.ts';
import { Fault } from './fault.ts';
import type { Connection } from './pool.ts';

/** Any number that no other program takes for a lock in the same database. */
const LOCK = 0x53_41_4c_4c_59;

/** As long as a large table may take to change. */
const MIGRATION_TIMEOUT_MS = 120_000;

const readVersion = async (connection: Connection): Promise<number> => {
  // What another has just committed shows here at once, which cannot be said of to_regclass().
  const { rows } = await connection.query(
    `SELECT 1 AS one FROM pg_tables WHERE tablename = 'sallyport_schema' AND schemaname = ANY (current_schemas(false))`,
  );
  if (rows.length === 0) return 0;
  const [found] = (await connection.query('SELECT version FROM sallyport_schema')).rows;
  return Number(found?.['version'] ?? 0);
};

const refuseNewer = (version: number): void => {
  if (version <= migrations.length) return;
  throw new Fault(
    'refused',
    `The database has schema version ${version}, this release knows ${migrations.length}. Use a newer release.`,
  );
};

const setUp = [
  'CREATE TABLE sallyport_schema (version BIGINT NOT NULL)',
  'INSERT INTO sallyport_schema (version) VALUES (0)',
  createCommitTable,
];

/** Throws where a newer release has written the schema, and leaves it as it is. */
export const migrate = async (connection: Connection): Promise<void> => {
  const before = await readVersion(connection);
  refuseNewer(before);
  // A role that may not change the schema can serve, once another has.
  if (before === migrations.length) return;
  await connection.script(
    `BEGIN; SET LOCAL lock_timeout = ${MIGRATION_TIMEOUT_MS}; SET LOCAL statement_timeout = ${MIGRATION_TIMEOUT_MS}`,
  );
  await connection.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
  const version = await readVersion(connection);
  refuseNewer(version);
  const statements = [...(version === 0 ? setUp : []), ...migrations.slice(version).flat()];
  for (const sql of statements) await connection.query(sql);
  await connection.query('UPDATE sallyport_schema SET version = $1', [migrations.length]);
  await connection.script('COMMIT');
};
