/** What is known of one token, for as long as any generation of the configuration uses it. */
import type { Secret } from '../../core/secret.ts';
import type { Dressing } from '../credential.ts';

export type HeldToken = Readonly<{
  text: Secret;
  dressing: Dressing;
  obtainedAtMs: number;
  expiresAtMs: number;
}>;

export type TokenCell = {
  token: HeldToken | undefined;
  /** The target refused `token`: it serves only where no other can be had. */
  isDoubted: boolean;
  doubtedAtMs: number;
  /** Asking for another; there is at most one at a time. */
  flight: Promise<HeldToken> | undefined;
  /** The latest that the provider gave in place of the configured one. */
  refreshToken: Readonly<{ text: Secret; obtainedAtMs: number }> | undefined;
  failures: number;
  failedAtMs: number;
  /** How long nobody asks after the latest failure. */
  coolDownMs: number;
};

const empty = (): TokenCell => ({
  token: undefined,
  isDoubted: false,
  doubtedAtMs: Number.NEGATIVE_INFINITY,
  flight: undefined,
  refreshToken: undefined,
  failures: 0,
  failedAtMs: Number.NEGATIVE_INFINITY,
  coolDownMs: 0,
});

/** Cells by the id of their token. A token whose credential nobody uses any more is forgotten. */
export type TokenCells = Readonly<{
  /** Gives the cell of this id until `release`, which each holder calls once. */
  hold(id: string): Readonly<{ cell: TokenCell; release(): void }>;
}>;

export const createTokenCells = (): TokenCells => {
  const held = new Map<string, { cell: TokenCell; holders: number }>();
  return {
    hold(id) {
      const entry = held.get(id) ?? { cell: empty(), holders: 0 };
      held.set(id, entry);
      entry.holders += 1;
      return {
        cell: entry.cell,
        release() {
          entry.holders -= 1;
          if (entry.holders === 0) held.delete(id);
        },
      };
    },
  };
};
