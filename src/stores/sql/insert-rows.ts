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

/**
 * Inserts any number of rows of one width, many with each statement: as many as powers of two, so that few statements serve
 * any number. Gives what `tail` returns.
 */
export const insertRows = async (
  transaction: Transaction,
  head: string,
  rows: readonly (readonly SqlValue[])[],
  tail: string,
): Promise<Row[]> => {
  const returned: Row[] = [];
  for (let at = 0; at < rows.length; ) {
    const count = Math.min(MOST_ROWS, largestPowerOfTwo(rows.length - at));
    const some = rows.slice(at, at + count);
    const sql = statement(head, tail, count, some[0]?.length ?? 0);
    for (const row of await transaction.all(sql, some.flat())) returned.push(row);
    at += count;
  }
  return returned;
};
