/**
 * Seals every secret of the ledger with the present key, so that a former one can be dropped. Each batch is one transaction,
 * and a row is written only where it is still what was read: it may be interrupted, repeated, and run beside the service.
 */
import { CannotOpen, type Place, type Sealer, sealedWith } from './seal.ts';
import { type Resealed, type SecretRow, type SecretStore, type SecretTable, secretTables } from './secret-store.ts';

const BATCH = 100;

export type ResealResult = Readonly<{
  /** Rows that were sealed anew, of each table. */
  sealed: Readonly<Record<SecretTable, number>>;
  /** Rows that changed meanwhile, or came in since: run it again. */
  left: number;
  /** Of rows that no key opens, which stay as they are. No secret is in it. */
  problems: readonly string[];
}>;

type Columns = readonly Place['column'][];

/** `prefix`: how texts begin that need nothing done. `problems` by the names of their rows. */
type Work = Readonly<{ table: SecretTable; prefix: string; problems: Map<string, string> }>;

const nameOf = (table: SecretTable, { key }: SecretRow): string => `${table} ${key.join(' ')}`;

/** `batch`: most rows of one transaction. */
export const createReseal = (store: SecretStore, sealer: Sealer, batch = BATCH) => {
  const { currentKeyId, seal, open } = sealer;

  /** Throws `CannotOpen`. What was sealed is opened again before it takes the other's place. */
  const resealed = (row: SecretRow, prefix: string): Resealed => {
    const { paymentId } = row;
    const texts = { ...row.texts };
    for (const column of Object.keys(texts) as Columns) {
      const before = texts[column];
      if (before === undefined || before.startsWith(prefix)) continue;
      const place = { paymentId, column };
      const plain = open(before, place);
      const after = seal(plain, place);
      if (open(after, place) !== plain)
        throw new Error(`unreachable: what was sealed for ${paymentId} opens otherwise`);
      texts[column] = after;
    }
    return { row, texts };
  };

  /** Without those that no key opens, which are told of. */
  const resealAll = (rows: readonly SecretRow[], { table, prefix, problems }: Work): readonly Resealed[] =>
    rows.flatMap((row) => {
      try {
        return [resealed(row, prefix)];
      } catch (error) {
        if (!(error instanceof CannotOpen)) throw error;
        problems.set(nameOf(table, row), error.message);
        return [];
      }
    });

  const sealTable = async (work: Work): Promise<number> => {
    let written = 0;
    for (let after: SecretRow['key'] | undefined; ; ) {
      const rows = await store.others(work.table, work.prefix, after, batch);
      const sealed = resealAll(rows, work);
      if (sealed.length > 0) written += await store.replace(work.table, sealed);
      if (rows.length < batch) return written;
      after = rows.at(-1)?.key;
    }
  };

  const countLeft = async ({ table, prefix, problems }: Work): Promise<number> => {
    const rows = await store.others(table, prefix, undefined, batch + problems.size);
    return rows.filter((row) => !problems.has(nameOf(table, row))).length;
  };

  /** Throws where there is no key to seal with. */
  return async (): Promise<ResealResult> => {
    if (currentKeyId === undefined) throw new Error('there is no cashu.encryption_key to seal with');
    const prefix = sealedWith(currentKeyId);
    const problems = new Map<string, string>();
    const sealed = { swaps: 0, payments: 0, proofs: 0, exports: 0, spends: 0 };
    for (const table of secretTables) sealed[table] = await sealTable({ table, prefix, problems });
    let left = 0;
    for (const table of secretTables) left += await countLeft({ table, prefix, problems });
    return { sealed, left, problems: [...problems.values()] };
  };
};
