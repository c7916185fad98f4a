/** The secrets of the ledger as they lie there, read and replaced whatever they mean. */
import type { Resealed, SecretRow, SecretTable } from '../../paywall/secret-store.ts';
import { integer, type Row, type SqlValue, type Transaction, text } from './transaction.ts';

type Column = keyof SecretRow['texts'];
type Table = Readonly<{ key: readonly string[]; paymentId: string; columns: readonly Column[] }>;

const tables: Readonly<Record<SecretTable, Table>> = {
  swaps: { key: ['payment_id', 'number'], paymentId: 'payment_id', columns: ['body', 'outputs'] },
  payments: { key: ['id'], paymentId: 'id', columns: ['signatures'] },
  proofs: { key: ['id'], paymentId: 'payment_id', columns: ['secret'] },
  exports: { key: ['id'], paymentId: 'id', columns: ['token'] },
  spends: { key: ['id'], paymentId: 'id', columns: ['body', 'outputs'] },
};

const toRow = ({ key, paymentId, columns }: Table, row: Row): SecretRow => ({
  key: key.map((name) => (name === 'number' ? integer(row, name) : text(row, name))),
  paymentId: text(row, paymentId),
  texts: Object.fromEntries(columns.flatMap((name) => (row[name] === null ? [] : [[name, text(row, name)]]))),
});

type Asked = Readonly<{ table: SecretTable; prefix: string; after: SecretRow['key'] | undefined; limit: number }>;

export const resealOperations = {
  async findOtherSecrets(
    transaction: Transaction,
    { table, prefix, after, limit }: Asked,
  ): Promise<readonly SecretRow[]> {
    const shape = tables[table];
    const { key, columns } = shape;
    const values: SqlValue[] = [`${prefix}%`, limit, ...(after ?? [])];
    const others = columns.map((name) => `${name} NOT LIKE $1`).join(' OR ');
    const behind = after ? `AND (${key.join(', ')}) > (${key.map((_, at) => `$${at + 3}`).join(', ')})` : '';
    const named = [...new Set([...key, shape.paymentId, ...columns])].join(', ');
    const sql = `SELECT ${named} FROM ${table} WHERE (${others}) ${behind} ORDER BY ${key.join(', ')} LIMIT $2`;
    return (await transaction.all(sql, values)).map((row) => toRow(shape, row));
  },

  async replaceSecrets(
    transaction: Transaction,
    { table, resealed }: { table: SecretTable; resealed: readonly Resealed[] },
  ): Promise<number> {
    const { key } = tables[table];
    let written = 0;
    for (const { row, texts } of resealed) {
      const values: SqlValue[] = [];
      const placeholder = (value: SqlValue): string => `$${values.push(value)}`;
      const sets: string[] = [];
      const conditions = key.map((name, at) => `${name} = ${placeholder(row.key[at] ?? null)}`);
      for (const name of tables[table].columns) {
        const [before, after] = [row.texts[name], texts[name]];
        if (before === undefined || after === undefined) continue;
        sets.push(`${name} = ${placeholder(after)}`);
        conditions.push(`${name} = ${placeholder(before)}`);
      }
      if (sets.length === 0) continue;
      const sql = `UPDATE ${table} SET ${sets.join(', ')} WHERE ${conditions.join(' AND ')}`;
      written += await transaction.run(sql, values);
    }
    return written;
  },
};
