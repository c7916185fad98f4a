/** Every secret of the ledger as it lies there, for whoever seals it anew: the port that a database implements. */
import type { Place } from './seal.ts';

/** The tables that keep secrets. */
export const secretTables = ['swaps', 'payments', 'proofs', 'exports', 'spends'] as const;
export type SecretTable = (typeof secretTables)[number];

/** One row: its key, under which id its texts were sealed, and those of its texts that are there. */
export type SecretRow = Readonly<{
  key: readonly (string | number)[];
  paymentId: string;
  texts: Readonly<Partial<Record<Place['column'], string>>>;
}>;

/** A row whose texts become others, if they still are what was read. */
export type Resealed = Readonly<{ row: SecretRow; texts: SecretRow['texts'] }>;

export type SecretStore = Readonly<{
  /** Rows with a text that does not begin with `prefix`, in the order of their keys, behind `after`. */
  others(
    table: SecretTable,
    prefix: string,
    after: SecretRow['key'] | undefined,
    limit: number,
  ): Promise<readonly SecretRow[]>;
  /** All of them or none, in one transaction, but for rows that were changed meanwhile. Gives how many were written. */
  replace(table: SecretTable, resealed: readonly Resealed[]): Promise<number>;
}>;
