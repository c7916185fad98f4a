/** The narrow waist between SQL text and the engines that run it: `$1` placeholders, epoch milliseconds, JSON as text. */
import type { Eventually } from '../../core/eventually.ts';

export type SqlValue = string | number | null;
export type Row = Readonly<Record<string, SqlValue>>;

/**
 * One open transaction. Whatever is thrown inside rolls it back. It may be run again from the start, after a conflict or a
 * lost connection: an operation touches nothing but its transaction.
 *
 * Where several processes write at once, a statement may see what another has committed since the statement before. What a
 * decision depends on is therefore read after the row that all who change it change as well has been locked, by an update.
 */
export type Transaction = Readonly<{
  first(sql: string, values: readonly SqlValue[]): Promise<Row | undefined>;
  all(sql: string, values: readonly SqlValue[]): Promise<readonly Row[]>;
  /** Gives how many rows changed. */
  run(sql: string, values: readonly SqlValue[]): Promise<number>;
}>;

/** Runs one named operation in a transaction of its own; resolves when it is durable. */
export type Execute<Operations extends Record<string, OperationShape>> = <Name extends keyof Operations>(
  name: Name,
  argument: Parameters<Operations[Name]>[1],
) => Promise<Awaited<ReturnType<Operations[Name]>>>;

/** What every operation has in common, whatever its argument. */
export type OperationShape = (transaction: Transaction, argument: never) => Promise<unknown>;

/** One statement outside any transaction; at once where the database is in the process. */
export type ReadRow = (sql: string, values: readonly SqlValue[]) => Eventually<Row | undefined>;

export const text = (row: Row, column: string): string => String(row[column]);
export const integer = (row: Row, column: string): number => Number(row[column]);
export const optionalInteger = (row: Row, column: string): number | undefined =>
  row[column] === null ? undefined : Number(row[column]);
