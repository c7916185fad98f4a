/** The mathematics of ecash on secp256k1. Points are compressed, in lower-case hex; scalars are 64 hex digits. */

/** Text as it stands in a proof, whose UTF-8 bytes are hashed, or those bytes. */
export type Secret = string | Uint8Array;

export type Blinding = Readonly<{
  secret: Secret;
  blindingFactor: string;
}>;

/** A mint's blind signature, with what is needed to open it. */
export type Unblinding = Readonly<{
  blindingFactor: string;
  B_: string;
  C_: string;
  /** Left out where the mint gives none (NUT-12 is optional). */
  dleq?: Readonly<{ e: string; s: string }>;
  /** Of the amount that was signed for. */
  publicKey: string;
}>;

/** A proof that somebody handed on, with all that shows who signed it. */
export type HandedOn = Readonly<{
  secret: string;
  C: string;
  dleq: Readonly<{ e: string; s: string; r: string }>;
  /** Of the amount. */
  publicKey: string;
}>;

/** A private key's word for a text. */
export type Signing = Readonly<{ message: string; privateKey: string }>;

export type CurveOperations = Readonly<{
  /** Y of a secret (NUT-00). */
  hashToCurve(secret: Secret): string;
  /** `B_ = Y + rG` (NUT-00). */
  blind(blinding: Blinding): string;
  /** `C = C_ - rK` (NUT-00); undefined where a point is none, or the DLEQ does not prove that K signed (NUT-12). */
  unblind(signature: Unblinding): string | undefined;
  isPoint(hex: string): boolean;
  /** Whether each was signed by its key (NUT-12, as a receiver checks it). */
  areProven(proofs: readonly HandedOn[]): boolean;
  /** Schnorr (BIP-340) over the SHA-256 of the text's UTF-8, 128 hex digits; another one each time (NUT-11). */
  sign(signing: Signing): string;
}>;

export type OperationName = keyof CurveOperations;

/** The same without stalling the event loop, however much is asked for at once. */
export type CurveEngine = Readonly<{
  [Name in OperationName]: (value: Parameters<CurveOperations[Name]>[0]) => Promise<ReturnType<CurveOperations[Name]>>;
}>;

export type DrawnBlinding = Readonly<{ secret: string; blindingFactor: string; B_: string }>;

export type Curve = CurveEngine &
  Readonly<{
    /** A new random secret, blinded by a new random factor; never the same one twice. */
    drawBlinding(): Promise<DrawnBlinding>;
  }>;
