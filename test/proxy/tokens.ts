/** Users' tokens for tests of the reverse proxy, and the issuer that its configuration names. */
import { SignJWT } from 'jose';

const secret = 'canary-of-the-proxy-0123456789abcdef';
const issuer = 'https://issuer.example/realms/users';

/** The block `jwt`. */
export const jwtBlock = `
jwt:
  issuer: "${issuer}"
  audience: orders
  secret: "${secret}"
`;

/** Of John, for five minutes, unless the claims say otherwise; undefined takes one away. */
export const userToken = (claims: Readonly<Record<string, unknown>> = {}, key = secret): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: issuer,
    aud: 'orders',
    sub: 'john',
    email: 'john@example.com',
    realm_access: { roles: ['customer', 'orders:create'] },
    iat: now,
    exp: now + 300,
    ...claims,
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(key));
};
