import { randomUUID } from 'node:crypto';
import { type JWK, SignJWT } from 'jose';
import { type Algorithm, createKey, type SigningKey } from './keys.ts';

export type Claims = Readonly<Record<string, unknown>>;

export type IssueOptions = Readonly<{
  /** Signs with the newest key of this algorithm; without it, with the newest of the first algorithm. */
  alg?: Algorithm;
  lifetimeS?: number;
}>;

export type IssuerOptions = Readonly<{
  algorithms?: readonly Algorithm[];
  /** Milliseconds since 1970. */
  now?: () => number;
}>;

export type Issuer = Readonly<{
  /** The `iss` of every token. */
  url: string;
  /** The newest first. */
  keys(): readonly SigningKey[];
  jwks(): { keys: JWK[] };
  /** A signed token with these claims; `iss`, `iat`, `exp` and `jti` are added where they are not given. */
  issue(claims: Claims, options?: IssueOptions): Promise<string>;
  /** A new key of each algorithm, which signs from now on. The old ones stay published, for the tokens that are out. */
  rotate(): Promise<void>;
  /** Publishes only the newest key of each algorithm. */
  retireOldKeys(): void;
}>;

const defaultLifetimeS = 300;

/** A JWT issuer in memory, with keys of its own. */
export async function createIssuer(url: string, options: IssuerOptions = {}): Promise<Issuer> {
  const { algorithms = ['RS256'], now = Date.now } = options;
  let generation = 0;
  let keys: readonly SigningKey[] = [];

  const newest = (alg: Algorithm | undefined): SigningKey => {
    const key = keys.find((one) => alg === undefined || one.alg === alg);
    if (key === undefined) throw new Error(`This issuer has no key for ${alg}`);
    return key;
  };
  const rotate = async () => {
    generation += 1;
    const fresh = await Promise.all(algorithms.map((alg) => createKey(alg, `${alg.toLowerCase()}-${generation}`)));
    keys = [...fresh, ...keys];
  };
  await rotate();

  return {
    url,
    keys: () => keys,
    jwks: () => ({ keys: keys.map(({ jwk }) => jwk) }),
    issue: (claims, { alg, lifetimeS = defaultLifetimeS } = {}) => {
      const key = newest(alg);
      const iat = Math.floor(now() / 1000);
      return new SignJWT({ iss: url, iat, exp: iat + lifetimeS, jti: randomUUID(), ...claims })
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT' })
        .sign(key.privateKey);
    },
    rotate,
    retireOldKeys: () => {
      keys = keys.slice(0, algorithms.length);
    },
  };
}
