/** A PostgreSQL connection URI (PostgreSQL documentation, 34.1.1.2), read strictly: what is not understood is refused. */
import { Secret } from '../core/secret.ts';

export type PostgresUrl = Readonly<{
  /** A name, an address, or the folder of a Unix socket. */
  host: string;
  port: number;
  user: string;
  /** Empty where there is none. */
  password: Secret;
  database: string;
  tls: boolean;
}>;

/** Nothing of the URL is in it, for that holds a password. */
export type PostgresUrlProblem = Readonly<{ message: string; expected: string }>;

const form = 'postgres://user:password@host/database';

const modes: Readonly<Record<string, boolean>> = {
  disable: false,
  require: true,
  'verify-ca': true,
  'verify-full': true,
};

const problem = (message: string, expected: string): PostgresUrlProblem => ({ message, expected });

const tlsOf = (parameters: URLSearchParams): boolean | PostgresUrlProblem => {
  const names = [...parameters.keys()];
  const unknown = names.find((name) => name !== 'sslmode');
  if (unknown === 'sslrootcert') return problem('the parameter sslrootcert', 'the authority’s certificate in store.ca');
  if (names.length > 1) return problem('a parameter that stands there twice', 'one sslmode');
  if (unknown !== undefined) return problem('a parameter that is not known here', 'sslmode, or none');
  const mode = parameters.get('sslmode') ?? 'disable';
  const known = Object.hasOwn(modes, mode) ? modes[mode] : undefined;
  return known ?? problem('an sslmode that is not known, or not safe', `one of ${Object.keys(modes).join(', ')}`);
};

const parse = (url: string): PostgresUrl | PostgresUrlProblem => {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const tls = tlsOf(searchParams);
  if (typeof tls !== 'boolean') return tls;
  const [host, user, database] = [hostname, username, pathname.slice(1)].map(decodeURIComponent);
  if (!host) return problem('names no host', form);
  if (host.includes(',')) return problem('names more than one host', 'one host, which knows where the primary is');
  if (!user) return problem('names no user', form);
  if (!database) return problem('names no database', form);
  return {
    host: host.replace(/^\[|\]$/g, ''),
    port: Number(port || 5432),
    user,
    password: new Secret(decodeURIComponent(password)),
    database,
    tls,
  };
};

export const readPostgresUrl = (url: string): PostgresUrl | PostgresUrlProblem => {
  const broken = problem('not a connection URI', `${form}, with %xx for special characters in the password`);
  if (!/^postgres(ql)?:\/\//.test(url)) return broken;
  try {
    return parse(url);
  } catch {
    return broken;
  }
};
