/** Tokens of sandboxes, as whoever starts them mints them, and as nobody should. */
import { SignJWT } from 'jose';

export const jwtSecret = 'canary-jwt-secret-0123456789abcdef0123';

export type TokenChanges = Readonly<{
  claims?: Readonly<Record<string, unknown>>;
  secret?: string | Uint8Array;
  header?: Readonly<{ alg: string; [name: string]: unknown }>;
  /** Seconds from now. */
  expiresIn?: number | undefined;
}>;

export const sandboxToken = ({ claims, secret = jwtSecret, header, ...rest }: TokenChanges = {}): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  const expiresIn = 'expiresIn' in rest ? rest.expiresIn : 300;
  const payload = {
    iss: 'sallyport',
    aud: 'credential-resolver',
    iat: now,
    ...(expiresIn !== undefined && { exp: now + expiresIn }),
    tenant_id: 'acme',
    team_id: 'red',
    sandbox_id: 'sb-1',
    ...claims,
  };
  const key = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
  return new SignJWT(payload).setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header }).sign(key);
};

const segment = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** Signed by nobody. */
export const unsignedToken = (): string => {
  const exp = Math.floor(Date.now() / 1000) + 300;
  const payload = {
    iss: 'sallyport',
    aud: 'credential-resolver',
    exp,
    tenant_id: 'acme',
    team_id: 'red',
    sandbox_id: 'sb-1',
  };
  return `${segment({ alg: 'none', typ: 'JWT' })}.${segment(payload)}.`;
};
