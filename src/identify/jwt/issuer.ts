import type { JWTVerifyGetKey } from 'jose';

/** The keys of an issuer as they are known now. */
export type KeySource = Readonly<{
  /** Changes whenever the keys change, so that tokens verified with older keys are verified again. */
  generation(): number;
  /** Chooses a key for a token's header. Throws `KeysUnavailable` where no keys were ever had. */
  resolve: JWTVerifyGetKey;
  /** Looks for newer keys, for a token names one that is unknown. Does nothing when it was asked shortly before. */
  refresh(): Promise<void>;
}>;

export class KeysUnavailable extends Error {
  override name = 'KeysUnavailable';
}

/** One issuer whose tokens are accepted. */
export type Issuer = Readonly<{
  name: string;
  /** The exact `iss`. */
  issuer: string;
  /** One of these must be in `aud`. */
  audiences: readonly string[];
  algorithms: readonly string[];
  keys: KeySource;
  clockSkewMs: number;
  requiredClaims: readonly string[];
  /** Path of the claim that lists roles. */
  rolesClaim: string;
  /** The `typ` that a token's header must have; by default `JWT`, `at+jwt` (RFC 9068) or none. */
  typ: string | undefined;
}>;
