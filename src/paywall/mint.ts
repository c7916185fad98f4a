/** What the paywall needs of a mint. Everything a mint answers is untrusted: the adapter checks its form. */

/** A keyset as `/v1/keysets` lists it (NUT-02). `finalExpiry`: in seconds since 1970. */
export type Keyset = Readonly<{
  id: string;
  unit: string;
  active: boolean;
  inputFeePpk: number;
  finalExpiry?: number;
}>;

/** A keyset's public keys by amount (NUT-01). */
export type KeysetKeys = Readonly<{ id: string; keys: Readonly<Record<string, string>> }>;

/** A blinded message as it goes to the mint, in JSON (NUT-00). */
export type BlindedMessage = Readonly<{ amount: number; id: string; B_: string }>;

export type BlindSignature = Readonly<{
  amount: number;
  id: string;
  C_: string;
  dleq?: Readonly<{ e: string; s: string }>;
}>;

/**
 * What came of a swap (NUT-03). `refused` is the mint's own word that it did not act this time; its explanation is left out,
 * for it may repeat a secret. `unclear` is everything that does not say for certain whether it acted: a timeout, a 5xx, an
 * answer that cannot be read.
 */
export type SwapOutcome =
  | Readonly<{ outcome: 'signed'; signatures: readonly BlindSignature[] }>
  | Readonly<{ outcome: 'refused'; code: number | undefined }>
  | Readonly<{ outcome: 'unclear'; reason: string }>;

export type ProofState = 'UNSPENT' | 'PENDING' | 'SPENT';

/** `states` and `restore` throw where the mint gives no readable answer. */
export type Mint = Readonly<{
  /** Normalised; compared with the one a token names. */
  url: string;
  units: readonly string[];
  /** As last seen; empty until the mint was reached for the first time. */
  keysets(): readonly Keyset[];
  /** Looks again, unless it did so less than `maxAgeMs` ago. Throws where the last look failed. */
  refreshKeysets(maxAgeMs: number): Promise<void>;
  /** The cheapest keyset in a unit that new proofs can be of. Throws where there is none, or the mint does not answer. */
  activeKeys(unit: string): Promise<KeysetKeys>;
  /** Of any keyset that the mint ever had. Throws where the mint does not give them, or gives others than the id says. */
  keys(keysetId: string): Promise<KeysetKeys>;
  /** Posts exactly this body. */
  swap(body: string, outputs: readonly BlindedMessage[]): Promise<SwapOutcome>;
  /** NUT-07, by Y in the order given. */
  states(ys: readonly string[]): Promise<readonly ProofState[]>;
  /** NUT-09: the signatures that the mint once gave for these outputs; undefined where it gave none for some of them. */
  restore(outputs: readonly BlindedMessage[]): Promise<readonly BlindSignature[] | undefined>;
}>;

/** NUT-02: the mint keeps this much of a swap's inputs. */
export const inputFee = (keysets: readonly Keyset[], keysetIds: readonly string[]): number => {
  const ppk = keysetIds.reduce((sum, id) => sum + (keysets.find((keyset) => keyset.id === id)?.inputFeePpk ?? 0), 0);
  return Math.floor((ppk + 999) / 1000);
};
