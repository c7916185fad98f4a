/** Which keys have sealed what is kept here, by their ids. */
import { integer, type Row, type Transaction, text } from './transaction.ts';

/** In every column that is sealed. */
const isUsed = async (transaction: Transaction, id: string): Promise<boolean> => {
  const found = await transaction.first(
    `SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM swaps WHERE body LIKE $1)
      OR EXISTS (SELECT 1 FROM payments WHERE signatures LIKE $1)
      OR EXISTS (SELECT 1 FROM proofs WHERE secret LIKE $1)
      OR EXISTS (SELECT 1 FROM exports WHERE token LIKE $1)
      OR EXISTS (SELECT 1 FROM spends WHERE body LIKE $1)`,
    [`sealed:1:${id}:%`],
  );
  return found !== undefined;
};

export const countKeys = 'SELECT COUNT(*) AS count, MIN(id) AS id FROM sealing_keys';

/** Whether `current`, or none where there is none, is all that was ever noted: then there is nothing to note or to miss. */
export const isAllNoted = (row: Row | undefined, current: string | undefined): boolean => {
  const count = row ? integer(row, 'count') : 0;
  return current === undefined ? count === 0 : count === 1 && row?.['id'] === current;
};

export const sealingKeyOperations = {
  /** A key that is not known any more is looked for everywhere, and forgotten where it has sealed nothing that is left. */
  async noteSealingKeys(
    transaction: Transaction,
    { current, known }: { current: string | undefined; known: readonly string[] },
  ): Promise<readonly string[]> {
    const noted = (await transaction.all('SELECT id FROM sealing_keys ORDER BY id', [])).map((row) => text(row, 'id'));
    const missing: string[] = [];
    for (const id of noted.filter((one) => !known.includes(one))) {
      if (await isUsed(transaction, id)) missing.push(id);
      else await transaction.run('DELETE FROM sealing_keys WHERE id = $1', [id]);
    }
    if (missing.length > 0 || current === undefined) return missing;
    await transaction.run('INSERT INTO sealing_keys (id) VALUES ($1) ON CONFLICT (id) DO NOTHING', [current]);
    return [];
  },
};
