/** Which user is which customer of the biller. A key may name another for itself. */

export type Customer = Readonly<{ userId: string; customer: string; updatedAtMs: number }>;

/** Empty texts name nobody. */
export type Caller = readonly [keyId: string, userId: string];

export type CustomerStore = Readonly<{
  put(userId: string, customer: string, nowMs: number): Promise<Customer>;
  find(userId: string): Promise<Customer | undefined>;
  /** Gives whether there was one. */
  remove(userId: string): Promise<boolean>;
  /** By user, after the one given. */
  list(after: string, limit: number): Promise<readonly Customer[]>;
  /** For each caller the customer of the key, or else of the user. */
  ofCallers(callers: readonly Caller[]): Promise<readonly (string | undefined)[]>;
}>;
