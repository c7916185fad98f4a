/** Which user is which customer. */
import type { Caller, Customer } from '../../usage/billing/customer-store.ts';
import { integer, type ReadRow, type Row, type Transaction, text } from './transaction.ts';

const toCustomer = (row: Row): Customer => ({
  userId: text(row, 'user_id'),
  customer: text(row, 'customer'),
  updatedAtMs: integer(row, 'updated_at'),
});

const MOST_AT_ONCE = 64;

const ofOne = (at: number): string => `COALESCE(
  (SELECT customer_id FROM api_keys WHERE id = $${2 * at + 1}),
  (SELECT customer FROM customers WHERE user_id = $${2 * at + 2})) AS c${at}`;

/** Of powers of two there are few, so that few statements serve any number. */
const statements = new Map<number, string>();
const statementFor = (callers: number): string => {
  const text = statements.get(callers) ?? `SELECT ${Array.from({ length: callers }, (_, at) => ofOne(at)).join(', ')}`;
  statements.set(callers, text);
  return text;
};

/** One row of many columns is one exchange with a database on the network, and needs no transaction. */
export const findCustomers = async (
  readRow: ReadRow,
  callers: readonly Caller[],
): Promise<readonly (string | undefined)[]> => {
  const found: (string | undefined)[] = [];
  for (let from = 0; from < callers.length; from += MOST_AT_ONCE) {
    const some = callers.slice(from, from + MOST_AT_ONCE);
    const width = 2 ** Math.ceil(Math.log2(some.length));
    const values = Array.from({ length: width }, (_, at) => some[at] ?? ['', '']).flat();
    const row = await readRow(statementFor(width), values);
    for (const at of some.keys()) {
      const value = row?.[`c${at}`];
      found.push(typeof value === 'string' ? value : undefined);
    }
  }
  return found;
};

export const customerOperations = {
  async putCustomer(
    transaction: Transaction,
    { userId, customer, nowMs }: { userId: string; customer: string; nowMs: number },
  ): Promise<Customer> {
    await transaction.run(
      `INSERT INTO customers (user_id, customer, updated_at) VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO UPDATE SET customer = excluded.customer, updated_at = excluded.updated_at`,
      [userId, customer, nowMs],
    );
    return { userId, customer, updatedAtMs: nowMs };
  },

  async findCustomer(transaction: Transaction, { userId }: { userId: string }): Promise<Customer | undefined> {
    const row = await transaction.first('SELECT * FROM customers WHERE user_id = $1', [userId]);
    return row && toCustomer(row);
  },

  removeCustomer: async (transaction: Transaction, { userId }: { userId: string }): Promise<boolean> =>
    (await transaction.run('DELETE FROM customers WHERE user_id = $1', [userId])) > 0,

  async listCustomers(transaction: Transaction, { after, limit }: { after: string; limit: number }) {
    const rows = await transaction.all('SELECT * FROM customers WHERE user_id > $1 ORDER BY user_id LIMIT $2', [
      after,
      limit,
    ]);
    return rows.map(toCustomer);
  },
};
