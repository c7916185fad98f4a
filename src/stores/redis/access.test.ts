/** Who we talk to, and as whom: passwords, users with few rights, certificates. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../../test/servers/free-port.ts';
import { needs } from '../../../test/servers/programs.ts';
import { startRedis } from '../../../test/servers/redis.ts';
import { until } from '../../../test/servers/until.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { Secret } from '../../core/secret.ts';
import { createFailureThrottle } from '../memory/failure-throttle.ts';
import { createMemoryRateLimiter } from '../memory/rate-limiter.ts';
import { announceKeyChanges } from './announce.ts';
import { createClient, type RedisTarget } from './client.ts';
import { openRedis } from './open.ts';

const { skip } = needs('redis');
const password = 'p@ss "word\\ %40/#?ü';
/** As docs/limits.md says. */
const rights = [
  '~sallyport:*',
  '&sallyport:*',
  '+@connection',
  '+evalsha',
  '+eval',
  '+time',
  '+get',
  '+set',
  '+incrby',
  '+pexpire',
  '+pttl',
  '+publish',
  '+subscribe',
];

const targetAt = (port: number): RedisTarget => ({
  host: '127.0.0.1',
  port,
  db: 0,
  username: 'sallyport',
  password: new Secret(password),
  tls: undefined,
  keyPrefix: 'sallyport:',
  timeoutMs: 1_000,
});

const makeCertificate = (directory: string) => {
  const files = { key: join(directory, 'key.pem'), certificate: join(directory, 'certificate.pem') };
  const { status, stderr } = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...[
        '-keyout',
        files.key,
        '-out',
        files.certificate,
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
      ],
    ],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return files;
};

const start = async () => {
  const directory = createWorkdir('redis-access', { after }).path;
  const { key, certificate } = makeCertificate(directory);
  const tlsPort = await freePort();
  const { port } = await startRedis({
    owner: { after },
    settings: {
      'tls-port': String(tlsPort),
      'tls-cert-file': certificate,
      'tls-key-file': key,
      'tls-ca-cert-file': certificate,
      'tls-auth-clients': 'no',
    },
  });
  const admin = createClient({ ...targetAt(port), username: undefined, password: undefined });
  await admin.connect();
  await admin.acl('SETUSER', 'sallyport', 'on', `>${password}`, ...rights);
  admin.disconnect();
  return { port, tlsPort, ca: readFileSync(certificate, 'utf8') };
};

const server = skip ? undefined : await start();

const target = (changes: Partial<RedisTarget> = {}): RedisTarget => ({ ...targetAt(server?.port ?? 0), ...changes });

const open = async (changes: Partial<RedisTarget>) => {
  const lost: string[] = [];
  const forgotten: string[] = [];
  const shared = await openRedis({
    target: target(changes),
    ownLimiter: createMemoryRateLimiter(Date.now),
    severalLimiter: undefined,
    ownThrottle: createFailureThrottle(100, Date.now),
    forgetKey: (hash) => forgotten.push(hash),
    forgetAllKeys: () => undefined,
    onLost: (reason) => lost.push(reason),
    onBack: () => undefined,
    onFallback: () => undefined,
  });
  after(shared.close);
  return { shared, lost, forgotten };
};

const minute = [{ key: 'a', limit: 5, windowMs: 60_000 }];
const hash = 'a'.repeat(64);

test('a user with the rights that are documented can do everything', { skip }, async () => {
  const { shared, lost, forgotten } = await open({});
  const other = await open({});
  assert.deepEqual([lost, shared.problem()], [[], undefined]);
  assert.equal((await shared.limiter.take(minute, true)).remaining, 4);
  assert.equal((await other.shared.limiter.take(minute, true)).remaining, 3);
  other.shared.spreadKeyChange(hash);
  await until('the other hears of it', () => forgotten.includes(hash));
  assert.equal(await announceKeyChanges(target(), ['b'.repeat(64)]), undefined);
  await until('both hear of it', () => [forgotten, other.forgotten].every((list) => list.includes('b'.repeat(64))));
  for (let failure = 0; failure < 60; failure++) {
    shared.throttle.recordFailure('198.51.100.1');
    other.shared.throttle.recordFailure('198.51.100.1');
  }
  await until('each counts what both have seen', () =>
    [shared, other.shared].some(({ throttle }) => !throttle.isOpen('198.51.100.1')),
  );
});

test('another database and another prefix count apart', { skip }, async () => {
  const everything = { username: undefined, password: undefined };
  const [one, database, prefix] = await Promise.all([
    open(everything),
    open({ ...everything, db: 3 }),
    open({ ...everything, keyPrefix: 'other:' }),
  ]);
  const counter = [{ key: 'apart', limit: 5, windowMs: 60_000 }];
  for (const { shared, lost } of [one, database, prefix]) {
    assert.deepEqual(lost, []);
    assert.equal((await shared.limiter.take(counter, true)).remaining, 4);
  }
});

test('TLS to a server whose certificate fits, and to no other', { skip }, async () => {
  const tls = { ca: server?.ca };
  const good = await open({ host: 'localhost', port: server?.tlsPort ?? 0, tls });
  assert.deepEqual([good.lost, good.shared.problem()], [[], undefined]);
  assert.equal((await good.shared.limiter.take([{ key: 'tls', limit: 5, windowMs: 60_000 }], true)).remaining, 4);
});

// biome-ignore format: a table is read by its columns
const refused: readonly (readonly [what: string, changes: () => Partial<RedisTarget>, reason: RegExp])[] = [
  ['a wrong password', () => ({ password: new Secret(`${password} canary`) }), /WRONGPASS/],
  ['a user without the right to the channel and the keys', () => ({ keyPrefix: 'other:' }), /No permissions|NOPERM/i],
  ['a certificate of another name', () => ({ host: '127.0.0.1', port: server?.tlsPort ?? 0, tls: { ca: server?.ca } }), /altnames|ERR_TLS/],
  ['a certificate that nobody we know signed', () => ({ host: 'localhost', port: server?.tlsPort ?? 0, tls: { ca: undefined } }), /self-signed/],
  ['TLS with a server that speaks none', () => ({ host: 'localhost', tls: { ca: server?.ca } }), /./],
  ['a name that is none', () => ({ host: 'no-such-host.invalid' }), /ENOTFOUND|EAI_AGAIN/],
];

for (const [what, changes, reason] of refused) {
  test(`${what} is told in words without a secret, and limits are counted here`, { skip }, async () => {
    const { shared, lost } = await open(changes());
    assert.equal(lost.length, 1);
    assert.match(lost[0] ?? '', reason);
    assert.equal(shared.problem(), lost[0]);
    assert.equal((await shared.limiter.take(minute, true)).remaining, 4);
    const told = `${lost[0]} ${await announceKeyChanges(target(changes()), [hash])}`;
    assert.match(told, reason);
    for (const secret of [password, 'canary', encodeURIComponent(password), Buffer.from(password).toString('base64')]) {
      assert.equal(told.includes(secret), false, told);
    }
  });
}
