/** Where replicas share one token. Everything rejects where the store cannot be asked; then each replica goes its own way. */

export type StoredToken = Readonly<{
  accessToken: string;
  obtainedAtMs: number;
  expiresAtMs: number;
  /** The latest that was given in place of the configured one. */
  refreshToken: string | undefined;
}>;

export type TokenShelf = Readonly<{
  /** Undefined where there is none, or none that can be read. */
  read(): Promise<StoredToken | undefined>;
  /** Kept for so long, and for no longer. */
  write(token: StoredToken, keepMs: number): Promise<void>;
  /** Undefined where somebody else holds it. It opens by itself after so long, whatever became of its holder. */
  lock(forMs: number): Promise<(() => Promise<void>) | undefined>;
}>;
