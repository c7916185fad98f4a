import type { Account, CashuToken } from './payment.ts';
import type { Refusal } from './refusal.ts';
import type { ClientCertificate } from './request.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** At most `limit` requests in any stretch of `windowMs`. */
export type RateLimit = Readonly<{ limit: number; windowMs: number }>;

type Attributes = Readonly<{
  /** Who is calling, for `X-User-ID`; empty for callers without a name. */
  subject: string;
  scopes: readonly string[];
  roles: readonly string[];
  /** A JWT's claims, or an API key's metadata. */
  claims: Claims;
}>;

/** Who is calling, and by which credential. */
export type Identity = Attributes &
  Readonly<
    | { method: 'anonymous' }
    /** `hasCredits`: each request takes one of the key's credits. */
    | { method: 'api_key'; keyId: string; limits: readonly RateLimit[]; hasCredits?: boolean }
    | { method: 'jwt'; issuer: string }
    /** `account`: where the token is added to. */
    | { method: 'cashu'; token: CashuToken; account?: Account }
    | { method: 'session'; account: Account }
    | { method: 'certificate'; certificate: ClientCertificate }
  >;

export type KeyIdentity = Extract<Identity, { method: 'api_key' }>;

const none = { subject: '', scopes: [], roles: [], claims: {} } as const;

export const anonymous: Identity = { method: 'anonymous', ...none };

export const payer = (token: CashuToken): Identity => ({ method: 'cashu', ...none, token });

export const sessionHolder = (account: Account): Identity => ({ method: 'session', ...none, account });

/** Three answers that are never confused: a bad credential is `rejected`, it does not become `absent`. */
export type Identification =
  | Readonly<{ outcome: 'absent' }>
  | Readonly<{ outcome: 'identified'; identity: Identity }>
  | Readonly<{ outcome: 'rejected'; refusal: Refusal }>;

export const rejected = (refusal: Refusal): Identification => ({ outcome: 'rejected', refusal });

export const absent: Identification = { outcome: 'absent' };
