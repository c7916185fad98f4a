/** What a rule's `require` asks of an identity. Read-only. */
import type { Claims, Identity } from '../core/identity.ts';
import { bearerChallenge, type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { Check } from '../core/rule.ts';

export type ClaimValue = string | number | boolean;

export type Requirements = Readonly<{
  /** Names of issuers, of which a JWT must be by one. Other credentials have no issuer and are not asked. */
  issuers: readonly string[];
  /** All of these. */
  scopes: readonly string[];
  /** All of these. */
  roles: readonly string[];
  /** By claim path: one of the values; where the claim is a list, one of its entries. */
  claims: Readonly<Record<string, readonly ClaimValue[]>>;
}>;

export type ClaimReader = (claims: Claims, path: string) => unknown;

const isPayer = (identity: Identity): boolean => identity.method === 'cashu' || identity.method === 'anonymous';

const checkIssuer = ({ issuers }: Requirements, identity: Identity): Refusal | undefined => {
  if (issuers.length === 0 || identity.method !== 'jwt' || issuers.includes(identity.issuer)) return undefined;
  return refuse('wrong_issuer', 'The token is of an issuer that this route does not take.');
};

/** RFC 6749 section 3.3: what else an issuer may call a scope cannot stand in the header. */
const scopeToken = /^[!#-[\]-~]+$/;

const checkScopes = ({ scopes }: Requirements, identity: Identity): Refusal | undefined => {
  const missing = scopes.filter((scope) => !identity.scopes.includes(scope));
  if (missing.length === 0) return undefined;
  return refuse('insufficient_scope', `Missing scope: ${missing.join(' ')}.`, {
    headers: bearerChallenge(
      'insufficient_scope',
      undefined,
      scopes.filter((scope) => scopeToken.test(scope)).join(' '),
    ),
  });
};

const checkRoles = ({ roles }: Requirements, identity: Identity): Refusal | undefined => {
  const missing = roles.filter((role) => !identity.roles.includes(role));
  return missing.length === 0 ? undefined : refuse('missing_role', `Missing role: ${missing.join(', ')}.`);
};

const holds = (value: unknown, accepted: readonly unknown[]): boolean =>
  Array.isArray(value) ? value.some((entry) => accepted.includes(entry)) : accepted.includes(value);

const checkClaims = ({ claims }: Requirements, identity: Identity, read: ClaimReader): Refusal | undefined => {
  const unmet = Object.entries(claims).find(([path, accepted]) => !holds(read(identity.claims, path), accepted));
  return unmet && refuse('claim_mismatch', `The claim ${unmet[0]} does not have the value that this route wants.`);
};

/**
 * Payers and anonymous callers are not asked: a rule that accepts them has said what it wants of them. An API key meets
 * scopes by its own scopes, roles and claims by its metadata.
 */
export const createRequirementsCheck = (
  requirements: Requirements,
  read: ClaimReader,
): ((...asked: Parameters<Check>) => Refusal | undefined) => {
  const check = (_request: AuthRequest, identity: Identity): Refusal | undefined =>
    isPayer(identity)
      ? undefined
      : (checkIssuer(requirements, identity) ??
        checkScopes(requirements, identity) ??
        checkRoles(requirements, identity) ??
        checkClaims(requirements, identity, read));
  return Object.assign(check, { label: 'requirements' });
};
