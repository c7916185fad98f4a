import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Secret } from '../../core/secret.ts';
import { formOf, type Grant } from './grant.ts';

export type JwtBearer = Readonly<{
  url: string;
  /** Who asks: the e-mail address of a service account. */
  issuer: Secret;
  /** RSA. */
  key: KeyObject;
  keyId: string | undefined;
  scopes: readonly string[];
  now: () => number;
}>;

/** Enough for clocks that differ, and no more: whoever gets hold of an assertion is the account for so long. */
const LIFETIME_S = 300;

/** RFC 7523 section 2.1, signed with RS256, as Google wants it. */
export const jwtBearer = ({ url, issuer, key, keyId, scopes, now }: JwtBearer): Grant => ({
  rotates: false,
  async request() {
    const iat = Math.floor(now() / 1000);
    const scope = scopes.join(' ');
    const claims = { iss: issuer.reveal(), ...(scope !== '' && { scope }), aud: url, iat, exp: iat + LIFETIME_S };
    const header = { alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) };
    const assertion = await new SignJWT(claims).setProtectedHeader(header).sign(key);
    return { url, headers: {}, form: formOf({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }) };
  },
});
