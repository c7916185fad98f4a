import type { Row, SqlValue, Transaction } from './transaction.ts';

/** With 14 columns far below what either database takes for one statement. */
const MOST_ROWS = 512;

const placeholders = (rows: number, columns: number): string =>
  Array.from({ length: rows }, (_, row) => {
    const numbers = Array.from({ length: columns }, (_each, column) => `$${row * columns + column + 1}`);
    return `(${numbers.join(', ')})`;
  }).join(', ');

const texts = new Map<string, string>();

/** Statements are made once. */
const statement = (head: string, tail: string, rows: number, columns: number): string => {
  const key = `${rows} ${columns} ${head} ${tail}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  const text = `${head} ${placeholders(rows, columns)} ${tail}`;
  texts.set(key, text);
  return text;
};

const largestPowerOfTwo = (most: number): number => 2 ** Math.floor(Math.log2(most));

/** Many rows with each statement: as many as powers of two, so that few statements serve any number. */
const inParts = async (
  head: string,
  rows: readonly (readonly SqlValue[])[],
  tail: string,
  run: (sql: string, values: SqlValue[]) => Promise<void>,
): Promise<void> => {
  for (let at = 0; at < rows.length; ) {
    const count = Math.min(MOST_ROWS, largestPowerOfTwo(rows.length - at));
    const some = rows.slice(at, at + count);
    await run(statement(head, tail, count, some[0]?.length ?? 0), some.flat());
    at += count;
  }
};

/** Inserts any number of rows of one width. Gives what `tail` returns. */
export const insertRows = async (
  transaction: Transaction,
  head: string,
  rows: readonly (readonly SqlValue[])[],
  tail: string,
): Promise<Row[]> => {
  const returned: Row[] = [];
  await inParts(head, rows, tail, async (sql, values) => {
    for (const row of await transaction.all(sql, values)) returned.push(row);
  });
  return returned;
};

/**
 * Inserts those whose `column` is not there yet, and gives what they have in it; undefined where that is all of them, which
 * is found out in two thirds of the time.
 */
export const insertNew = async (
  transaction: Transaction,
  head: string,
  rows: readonly (readonly SqlValue[])[],
  column: string,
): Promise<ReadonlySet<SqlValue | undefined> | undefined> => {
  const tail = `ON CONFLICT (${column}) DO NOTHING`;
  let inserted = 0;
  await transaction.run('SAVEPOINT new_rows', []);
  await inParts(head, rows, tail, async (sql, values) => {
    inserted += await transaction.run(sql, values);
  });
  // Which of them were new nobody can say afterwards: they are inserted once more.
  if (inserted < rows.length) await transaction.run('ROLLBACK TO SAVEPOINT new_rows', []);
  await transaction.run('RELEASE SAVEPOINT new_rows', []);
  if (inserted === rows.length) return undefined;
  const returned = await insertRows(transaction, head, rows, `${tail} RETURNING ${column}`);
  return new Set(returned.map((row) => row[column]));
};
