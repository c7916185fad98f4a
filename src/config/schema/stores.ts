import { z } from 'zod';
import { Secret } from '../../core/secret.ts';
import { textOf, Variable } from '../read/variable.ts';
import { block, member, oneOf, withShort } from './forms.ts';
import { Wrong } from './leaf.ts';
import { endpoint } from './network.ts';
import { duration, integer, toggle } from './numbers.ts';
import { publicText, secret } from './secret.ts';
import { text } from './texts.ts';

const isMissing = (raw: unknown): boolean => raw instanceof Variable && raw.missing;

const expandStore = (raw: unknown): unknown => {
  const written = textOf(raw) ?? '';
  if (written.startsWith('sqlite:')) return { type: 'sqlite', path: written.slice('sqlite:'.length) };
  if (/^postgres(ql)?:\/\//.test(written)) return { type: 'postgres', url: new Secret(written) };
  return isMissing(raw) ? { type: 'sqlite', path: raw } : raw;
};

/** What SQLite, or whoever knows database URLs from elsewhere, reads as something else than the path of a file. */
const databaseFile = text({
  label: 'file',
  expected: 'the path of a file',
  check: (path) => {
    if (path.startsWith('file:')) return new Wrong('a URL, not a path', 'write sqlite:data/sallyport.db');
    return path.startsWith('//')
      ? new Wrong('can be read in two ways', 'write sqlite:/data/x.db, or sqlite:x.db for one in the working directory')
      : path;
  },
});

export const store = withShort(
  {
    label: 'sqlite:PATH | postgres://…',
    json: { type: 'string', pattern: '^sqlite:|^postgres(ql)?://|\\$\\{' },
    expand: expandStore,
  },
  oneOf('type', 'sqlite', [
    member({
      type: z.literal('sqlite'),
      path: databaseFile.describe('The database file, relative to the working directory.'),
    }),
    member({
      type: z.literal('postgres'),
      url: secret.describe(
        '`postgres://user:password@host/database`; with `?sslmode=require` by TLS, and the certificate must fit the host.',
      ),
      ca: publicText
        .optional()
        .describe('With TLS: the authority that signed the server’s certificate, in PEM or as `file:PATH`.'),
      max_connections: integer({ most: 1_000 })
        .prefault(10)
        .describe('Most connections that one process opens; each of `workers` is a process.'),
    }),
  ]),
).describe('Where keys, payments and sessions are kept.');

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

const redisUrl = /^rediss?:\/\//;

const expandRedis = (raw: unknown): unknown => {
  const written = textOf(raw) ?? '';
  if (isMissing(raw)) return { address: raw };
  if (!redisUrl.test(written) || !URL.canParse(written)) return raw;
  const { protocol, hostname, port, username, password, pathname } = new URL(written);
  const db = pathname.slice(1);
  return {
    address: `${hostname}:${port || 6379}`,
    tls: protocol === 'rediss:',
    ...(username && { username: decoded(username) }),
    ...(password && { password: new Secret(decoded(password)) }),
    ...(db && { db: /^\d+$/.test(db) ? Number(db) : db }),
  };
};

export const redis = withShort(
  { label: 'redis://…', json: { type: 'string', pattern: '^rediss?://|\\$\\{' }, expand: expandRedis },
  block({
    address: endpoint.describe('Host and port.'),
    username: text().optional().describe('User, where the server has users.'),
    password: secret.optional().describe('Password.'),
    db: integer({ least: 0, most: 65_535 }).prefault(0).describe('Number of the database.'),
    key_prefix: text({ longest: 128 }).prefault('sallyport:').describe('Begins the name of every key.'),
    tls: toggle.prefault(false).describe('Whether to speak TLS (`rediss://`); the certificate must fit the host.'),
    ca: publicText
      .optional()
      .describe('With TLS: the authority that signed the server’s certificate, in PEM or as `file:PATH`.'),
    timeout: duration({ most: 1_000 })
      .prefault('50ms')
      .describe(
        'How long a decision waits for Redis. After that, limits are counted without it until it answers again.',
      ),
  }),
).describe(
  'Redis, version 6 or later, no cluster: limits that hold for all replicas, and revoked keys told to each at once.',
);
