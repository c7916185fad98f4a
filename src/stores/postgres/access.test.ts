/** Who is let in, and whom we talk to: passwords and certificates. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ask, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { Secret } from '../../core/secret.ts';
import { createPool, type PostgresSettings } from './pool.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const nobody = 65_534;
const password = "p@ss 'word\\ %40/#?ü";

/** A certificate for `localhost`, and for no address. */
const makeCertificate = (key: string, certificate: string): void => {
  const { status, stderr } = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', key, '-out', certificate, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  chmodSync(key, 0o600);
  if (process.getuid?.() === 0) chownSync(key, nobody, nobody);
};

const start = async () => {
  const directory = createWorkdir('access', { after }).path;
  const [key, certificate, hba] = ['key.pem', 'certificate.pem', 'hba.conf'].map((name) => join(directory, name));
  assert.ok(key && certificate && hba);
  makeCertificate(key, certificate);
  writeFileSync(
    hba,
    'host all guest 127.0.0.1/32 scram-sha-256\nhost all guest ::1/128 scram-sha-256\nhost all all 127.0.0.1/32 trust\n',
  );
  const server = await startPostgres({
    directory,
    owner: { after },
    settings: { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key, hba_file: hba },
  });
  await ask(
    server.url,
    `CREATE ROLE guest LOGIN PASSWORD '${password.replaceAll("'", "''")}'; GRANT CREATE ON SCHEMA public TO guest`,
  );
  return { settings: settingsOf(server.url), ca: readFileSync(certificate, 'utf8') };
};

const server = options.skip ? undefined : await start();

const withSettings = (changes: Partial<PostgresSettings>): PostgresSettings => {
  assert.ok(server);
  return { ...server.settings, user: 'guest', password: new Secret(password), ...changes };
};

test('a password of any characters is sent as it is', options, async (t) => {
  const stores = await openPostgresStores(withSettings({}));
  t.after(stores.close);
  await stores.check();
});

test('a wrong password is refused at once, and is not repeated', options, async () => {
  const wrong = openPostgresStores(withSettings({ password: new Secret('pw-canary-4711') }));
  await assert.rejects(wrong, (error: Error) => {
    assert.match(error.message, /cannot be opened: PostgreSQL does not let us in: password authentication failed/);
    assert.ok(!JSON.stringify(error, Object.getOwnPropertyNames(error)).includes('canary'));
    return true;
  });
});

test('by TLS, where the certificate is of our authority and fits the host', options, async (t) => {
  const pool = createPool(withSettings({ host: 'localhost', tls: { ca: server?.ca } }));
  t.after(pool.close);
  const sql = 'SELECT COUNT(*) AS count FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl';
  assert.deepEqual((await pool.use((connection) => connection.query(sql))).rows, [{ count: 1 }]);
});

for (const [what, host, ours, says] of [
  ['of an authority that is not known', 'localhost', false, /self-signed certificate/],
  ['of our authority, for another host', '127.0.0.1', true, /not in the cert/],
] as const) {
  test(`by TLS, a certificate ${what}: refused, and the password is not sent`, options, async () => {
    const settings = withSettings({ host, tls: { ca: ours ? server?.ca : undefined } });
    let asked = false;
    const password = Object.assign(new Secret('x'), {
      reveal: () => {
        asked = true;
        return 'x';
      },
    });
    await assert.rejects(openPostgresStores({ ...settings, password }), says);
    assert.equal(asked, false);
  });
}
