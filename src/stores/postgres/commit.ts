/**
 * A COMMIT whose answer is lost may have been carried out or not. Each transaction therefore writes a name of its own along
 * with its COMMIT, and who is in doubt writes the same name: one of the two is there for good, and says what happened.
 */
import { Fault, InDoubt } from './fault.ts';
import type { Connection } from './pool.ts';

export const createCommitTable = `CREATE TABLE sallyport_commits (
  name TEXT PRIMARY KEY,
  outcome TEXT NOT NULL CHECK (outcome IN ('committed', 'void')),
  at TIMESTAMPTZ NOT NULL DEFAULT now()
)`;

/** `name`: a UUID. Throws a conflict where nothing was written, and `InDoubt` with `value` where that is not known. */
export const commit = async (connection: Connection, name: string, value: unknown): Promise<void> => {
  let command: string;
  try {
    command = await connection.script(
      `INSERT INTO sallyport_commits (name, outcome) VALUES ('${name}', 'committed'); COMMIT`,
    );
  } catch (error) {
    if (error instanceof Fault && error.kind === 'conflict') throw error;
    // Even a refusal: PostgreSQL may have broken down in the middle.
    throw new InDoubt(name, value);
  }
  // PostgreSQL answers ROLLBACK to the COMMIT of a transaction that had failed before.
  if (command !== 'COMMIT') throw new Fault('refused', `PostgreSQL answered ${command} to COMMIT`);
};

/**
 * Waits for a transaction of this name that is still under way; where there is none, one that comes late fails. May be asked
 * again and says the same.
 */
export const wasCommitted = async (connection: Connection, name: string): Promise<boolean> => {
  const { rows } = await connection.query(
    `INSERT INTO sallyport_commits (name, outcome) VALUES ($1, 'void')
      ON CONFLICT (name) DO UPDATE SET outcome = sallyport_commits.outcome RETURNING outcome`,
    [name],
  );
  return rows[0]?.['outcome'] === 'committed';
};

/** Much longer than anybody stays in doubt. */
export const forgetCommits = `DELETE FROM sallyport_commits WHERE at < now() - interval '10 minutes'`;
