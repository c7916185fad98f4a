import type { JWTVerifyGetKey } from 'jose';

/** Keys that were published together. Throws jose's `JWKSNoMatchingKey` for a token that none of them fits. */
export type KeySet = Readonly<{ resolve: JWTVerifyGetKey }>;

/** Where the keys of an issuer come from. */
export type KeySource = Readonly<{
  /** Undefined where none were ever had. Another object whenever the keys have changed. */
  current(): KeySet | undefined;
  /** Looks for newer keys, for a token names one that is unknown. Does nothing when it was asked shortly before. */
  refresh(): Promise<void>;
}>;

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
