import type { Row, SqlValue, Transaction } from './transaction.ts';

/** With 14 columns far below what either database takes for one statement. */
const MOST_ROWS = 512;

const placeholders = (rows: number, columns: number, before: number): string =>
  Array.from({ length: rows }, (_, row) => {
    const numbers = Array.from({ length: columns }, (_each, column) => `$${before + row * columns + column + 1}`);
    return `(${numbers.join(', ')})`;
  }).join(', ');

export type Rows = Readonly<{
  /** What comes before their values. */
  head: string;
  /** What comes after them, and before what is to be done on conflict. */
  end?: string;
  /** Values that the rows have in common: `$1` and so on in `head`. */
  shared?: readonly SqlValue[];
  rows: readonly (readonly SqlValue[])[];
}>;

const texts = new Map<string, string>();

/** Statements are made once. */
const statement = (head: string, tail: string, rows: number, columns: number, shared: number): string => {
  const key = `${rows} ${columns} ${head} ${tail}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  const text = `${head} ${placeholders(rows, columns, shared)} ${tail}`;
  texts.set(key, text);
  return text;
};

const largestPowerOfTwo = (most: number): number => 2 ** Math.floor(Math.log2(most));

/** Many rows with each statement: as many as powers of two, so that few statements serve any number. */
const inParts = async (
  { head, end = '', shared = [], rows }: Rows,
  onConflict: string,
  run: (sql: string, values: SqlValue[]) => Promise<void>,
): Promise<void> => {
  for (let at = 0; at < rows.length; ) {
    const count = Math.min(MOST_ROWS, largestPowerOfTwo(rows.length - at));
    const values = [...shared];
    for (const row of rows.slice(at, at + count)) values.push(...row);
    await run(statement(head, `${end} ${onConflict}`, count, rows[at]?.length ?? 0, shared.length), values);
    at += count;
  }
};

/** Inserts any number of rows of one width. Gives what `onConflict` returns. */
export const insertRows = async (transaction: Transaction, rows: Rows, onConflict: string): Promise<Row[]> => {
  const returned: Row[] = [];
  await inParts(rows, onConflict, async (sql, values) => {
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
  groups: readonly Rows[],
  column: string,
): Promise<ReadonlySet<SqlValue | undefined> | undefined> => {
  const onConflict = `ON CONFLICT (${column}) DO NOTHING`;
  const wanted = groups.reduce((sum, { rows }) => sum + rows.length, 0);
  let inserted = 0;
  await transaction.run('SAVEPOINT new_rows', []);
  for (const group of groups) {
    await inParts(group, onConflict, async (sql, values) => {
      inserted += await transaction.run(sql, values);
    });
  }
  // Which of them were new nobody can say afterwards: they are inserted once more.
  if (inserted < wanted) await transaction.run('ROLLBACK TO SAVEPOINT new_rows', []);
  await transaction.run('RELEASE SAVEPOINT new_rows', []);
  if (inserted === wanted) return undefined;
  const isNew = new Set<SqlValue | undefined>();
  for (const group of groups) {
    const returned = await insertRows(transaction, group, `${onConflict} RETURNING ${column}`);
    for (const row of returned) isNew.add(row[column]);
  }
  return isNew;
};
