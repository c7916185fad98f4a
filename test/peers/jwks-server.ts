import { CompactSign, type CryptoKey, exportSPKI } from 'jose';
import { createIssuer, type Issuer } from '../../examples/sample-issuer/issuer.ts';
import { type Algorithm, algorithms, type SigningKey } from '../../examples/sample-issuer/keys.ts';
import { createRoutes } from '../../examples/sample-issuer/routes.ts';
import type { Owner } from '../servers/last-resort.ts';
import { type FaultTable, withFaults } from './faults.ts';
import { type Loopback, listen, type Respond } from './loopback.ts';

export type Signing = Readonly<{
  /** Any value for the header; the key must fit it. `none` gives an unsigned token. */
  alg?: string;
  /** Instead of the issuer's newest key for the algorithm. */
  key?: CryptoKey | Uint8Array;
  /** Over `alg`, `kid` and `typ: JWT`; undefined takes one away. */
  header?: Readonly<Record<string, unknown>>;
}>;

export type JwksServer = Loopback &
  Readonly<{
    issuer: Issuer;
    /** Where its key set is. */
    jwksUrl: string;
    /** Faults of its endpoints, and what they have seen: `/jwks`, `/.well-known/openid-configuration`, `/token`. */
    faults: FaultTable;
    /** How often its key set was fetched. */
    fetches(): number;
    /**
     * A token as no decent issuer would make it. `iss`, `iat` and `exp` (in five minutes) are there unless given;
     * undefined takes one away.
     */
    sign(claims: Readonly<Record<string, unknown>>, how?: Signing): Promise<string>;
  }>;

const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function signed(issuer: Issuer, payload: object, { alg = 'RS256', key, header }: Signing): Promise<string> {
  const own = issuer.keys().find((one) => one.alg === alg);
  const protectedHeader = { alg, ...(own && { kid: own.kid }), typ: 'JWT', ...header };
  if (alg === 'none') return `${segment(protectedHeader)}.${segment(payload)}.`;
  const signer = key ?? own?.privateKey;
  if (signer === undefined) throw new Error(`Give a key: this issuer has none for ${alg}`);
  const critical = Array.isArray(header?.['crit']) ? header['crit'] : [];
  return new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader(protectedHeader)
    .sign(signer, { crit: Object.fromEntries(critical.map((name) => [name, true])) });
}

/** A real JWT issuer over HTTP, with keys of every algorithm we accept, which misbehaves when told to. */
export async function startJwksServer(
  options: { owner?: Owner; algorithms?: readonly Algorithm[]; now?: () => number } = {},
): Promise<JwksServer> {
  const { now = Date.now } = options;
  let routes: ReturnType<typeof createRoutes> | undefined;
  const answer: Respond = async ({ method, url, header, body }) => {
    const contentType = header('content-type') ?? '';
    const asked = { method, url, contentType, authorization: header('authorization') ?? '', body: body.toString() };
    const reply = await routes?.(asked);
    return reply && { ...reply, headers: { 'content-type': 'application/json' } };
  };
  const { respond, faults } = withFaults(answer);
  const loopback = await listen(respond, options.owner);
  const issuer = await createIssuer(loopback.url, { algorithms: options.algorithms ?? algorithms, now });
  routes = createRoutes(issuer);
  return {
    ...loopback,
    issuer,
    jwksUrl: `${loopback.url}/jwks`,
    faults,
    fetches: () => faults.seen('/jwks'),
    sign: async (claims, how = {}) => {
      const iat = Math.floor(now() / 1000);
      return signed(issuer, { iss: issuer.url, iat, exp: iat + 300, ...claims }, how);
    },
  };
}

/** What an attacker has of an RSA key: its public half as PEM, to be used as an HMAC secret. */
export const publicPem = async ({ publicKey }: SigningKey): Promise<Uint8Array> =>
  Buffer.from(await exportSPKI(publicKey));
