/** `sallyport sandbox token`. */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Config } from '../config/config.ts';
import { Secret } from '../core/secret.ts';
import { readSeconds } from './key-fields.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

export type TokenOptions = CommandOptions & Readonly<{ tenant: string; team: string; sandbox: string; ttl: string }>;

/** A sandbox that lives longer gets a new token: whoever steals one has it for as long. */
const LONGEST_TTL_S = 30 * 86_400;

/** As the resolver reads them. */
const isName = (text: string): boolean => /^[^\p{Cc}]{1,256}$/u.test(text);

const readTtl = (text: string): number | undefined => {
  const seconds = readSeconds(text);
  return seconds !== undefined && seconds > 0 && seconds <= LONGEST_TTL_S ? seconds : undefined;
};

type ResolverConfig = NonNullable<Config['resolver']>;

/** What a token is signed with, or why there is nothing. */
const signerOf = (resolver: ResolverConfig | undefined): Secret | string => {
  if (!resolver?.enabled) return 'there is no resolver: name one in the configuration, or set CREDENTIAL_SOURCE';
  if (resolver.secret instanceof Secret) return resolver.secret;
  return resolver.jwks_url === undefined
    ? 'there is no resolver.secret (JWT_SECRET) to sign with'
    : 'tokens are signed by whoever has the private keys of resolver.jwks_url';
};

type Names = Readonly<{ tenant: string; team: string; sandbox: string }>;

const sign = ({ issuer, audience, claims }: ResolverConfig, secret: Secret, names: Names, seconds: number) => {
  const issuedAt = Math.floor(Date.now() / 1000);
  const payload = {
    sub: names.sandbox,
    jti: randomUUID(),
    [claims.tenant]: names.tenant,
    [claims.team]: names.team,
    [claims.sandbox]: names.sandbox,
    iss: issuer,
    aud: audience[0] ?? '',
    iat: issuedAt,
    exp: issuedAt + seconds,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret.reveal()));
};

/** Prints the token and nothing else, so that scripts can take it. */
export const makeSandboxToken = async (options: TokenOptions): Promise<number> => {
  const { tenant, team, sandbox, json } = options;
  for (const [name, value] of Object.entries({ tenant, team, sandbox })) {
    if (isName(value)) continue;
    fail(`--${name}: expected text of at most 256 characters`);
    return 2;
  }
  const seconds = readTtl(options.ttl);
  if (seconds === undefined) {
    fail('--ttl: expected a time such as 90s, 30m or 24h, at most 30d');
    return 2;
  }
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  const { resolver } = loaded.config;
  const secret = signerOf(resolver);
  if (!resolver || typeof secret === 'string') {
    fail(String(secret));
    return 1;
  }
  const token = await sign(resolver, secret, { tenant, team, sandbox }, seconds);
  const expires_at = new Date(Date.now() + seconds * 1_000).toISOString();
  say(json ? JSON.stringify({ token, tenant, team, sandbox, expires_at }) : token);
  return 0;
};
