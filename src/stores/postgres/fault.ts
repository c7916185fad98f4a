/** What PostgreSQL or the way to it does wrong, told apart by what is to be done. Texts are for logs and operators. */
import pg from 'pg';

/**
 * `conflict`: another was faster; the same transaction may do better. `lost`: the connection broke, and whether PostgreSQL is
 * there is not known. `unavailable`: it cannot be reached now. `refused`: it answered, and the answer is no.
 */
export type FaultKind = 'conflict' | 'lost' | 'unavailable' | 'refused';

export class Fault extends Error {
  override name = 'Fault';
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Whether the transaction was committed is not known; where it was, `value` is what it gave. */
export class InDoubt extends Error {
  override name = 'InDoubt';
  readonly commitName: string;
  readonly value: unknown;

  constructor(commitName: string, value: unknown) {
    super('PostgreSQL did not say whether it has committed');
    this.commitName = commitName;
    this.value = value;
  }
}

/** After this the connection is good for nothing. */
export const isBroken = (error: unknown): boolean =>
  error instanceof InDoubt || (error instanceof Fault && error.kind === 'lost');

/** Serialisation failure, deadlock, and a unique key that another transaction wrote first. */
const conflicts: ReadonlySet<string> = new Set(['40001', '40P01', '23505']);

/** Shutdown, crash, start, database dropped, time-outs of idle sessions and transactions, too many clients. */
const away: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '57P04', '57P05', '25P03', '25P04', '53300']);

const isAway = (code: string): boolean => away.has(code) || code.startsWith('08');

/** While connecting, of Node and of pg. What is not here (a certificate that does not fit) will not get better by itself. */
const unreachable = /^(ECONN\w+|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPIPE|ENOENT)$/;
const interrupted = /timeout|terminated/;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** The message alone: PostgreSQL's details quote rows. Where several addresses were tried, the first says enough. */
const textOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors.length > 0) return textOf(error.errors[0]);
  if (error instanceof pg.DatabaseError) return `${error.message} (SQLSTATE ${error.code})`;
  return error instanceof Error ? error.message || codeOf(error) : String(error);
};

export const faultOfQuery = (error: unknown): Fault => {
  if (error instanceof Fault) return error;
  const code = codeOf(error);
  if (!(error instanceof pg.DatabaseError) || isAway(code)) {
    return new Fault('lost', `the connection to PostgreSQL was lost: ${textOf(error)}`);
  }
  return new Fault(conflicts.has(code) ? 'conflict' : 'refused', `PostgreSQL refuses: ${textOf(error)}`);
};

export const faultOfConnect = (error: unknown): Fault => {
  if (error instanceof Fault) return error;
  const code = codeOf(error);
  const text = textOf(error);
  const passes =
    error instanceof pg.DatabaseError ? isAway(code) : code === '' ? interrupted.test(text) : unreachable.test(code);
  if (passes) return new Fault('unavailable', `PostgreSQL cannot be reached: ${text}`);
  return new Fault('refused', `PostgreSQL does not let us in: ${text}`);
};
