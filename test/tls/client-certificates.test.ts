/** Whom a listener with TLS serves, by the certificate that a client shows: the whole service, over real sockets. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair } from '../servers/certificates.ts';
import type { Owner } from '../servers/last-resort.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { outcomeOf, seriesOf } from './ask.ts';

const path = '/auth/native/free/x';

const makeCertificates = (owner: Owner) => {
  const root = createAuthority(owner);
  const other = createAuthority(owner, 'another authority');
  const zone = root.intermediate('zone');
  const impostor = createAuthority(owner);
  const whole = zone.issue('whole');
  const [leaf = ''] = readFileSync(whole.cert, 'utf8').split(/(?<=-----END CERTIFICATE-----\n)/);
  const cut = join(createWorkdir('cut', owner).path, 'leaf.pem');
  writeFileSync(cut, leaf);
  const clients: Readonly<Record<string, Pair>> = {
    known: root.issue('known'),
    'known, of another authority': other.issue('known'),
    'known, of an intermediate authority': whole,
    'known, with several values in one name': root.issue('multi', undefined, { subject: '/CN=multi+O=MyOrg/OU=x' }),
    'by RSA': root.issue('rsa', undefined, { keyType: 'rsa' }),
    'by Ed25519': root.issue('ed', undefined, { keyType: 'ed25519' }),
    'without the intermediate authority': { cert: cut, key: whole.key },
    'of an authority with the same name': impostor.issue('known'),
    'signed by itself': { cert: impostor.ca, key: impostor.ca.replace('.pem', '.key') },
    expired: root.issue('expired', undefined, { isExpired: true }),
    'not yet valid': root.issue('early', undefined, { isNotYetValid: true }),
    revoked: root.issue('revoked'),
    'for servers alone': root.issue('server-only', undefined, { usage: 'serverAuth' }),
  };
  const lists = [root.revoke(clients['revoked']?.cert ?? ''), other.revoked(), zone.revoked()];
  return { root, other, zone, clients, lists, server: root.issue('sallyport') };
};

const { root, other, clients, lists, server } = makeCertificates({ after });

const start = async (owner: Owner, tls: string) => {
  const gate = await startSallyport({
    owner,
    http: `tls: { cert_file: "${server.cert}", key_file: "${server.key}"${tls} }`,
    config: `endpoints: { addr: "127.0.0.1:0" }
rules: [{ name: free, match: { path: "/free/**" }, accept: [anonymous] }]
`,
  });
  const metrics = async () => (await request(`http://127.0.0.1:${gate.endpointsPort}`, '/metrics')).body;
  return { gate, metrics };
};

const authorities = `client_ca_file: ["${root.ca}", "${other.ca}"]`;
const revocations = `crl_file: [${lists.map((list) => `"${list}"`).join()}]`;

/** What becomes of each, where it is asked for, and the reason that is counted. */
const expected: Readonly<Record<string, string | undefined>> = {
  known: undefined,
  'known, of another authority': undefined,
  'known, of an intermediate authority': undefined,
  'known, with several values in one name': undefined,
  'by RSA': undefined,
  'by Ed25519': undefined,
  // Nor is there a list of its authority's: that is what is found last.
  'without the intermediate authority': 'crl_missing',
  'of an authority with the same name': 'unknown_authority',
  'signed by itself': 'unknown_authority',
  expired: 'expired',
  'not yet valid': 'not_yet_valid',
  revoked: 'revoked',
  'for servers alone': 'wrong_purpose',
};

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

const tally = (names: readonly (string | undefined)[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) if (name !== undefined) counts[name] = (counts[name] ?? 0) + versions.length;
  return counts;
};

for (const clientAuth of ['require', 'request'] as const) {
  test(`client_auth ${clientAuth}: certificates of the authorities are served, all others are not, and it is counted why`, async (t) => {
    const { gate, metrics } = await start(t, `, ${authorities}, client_auth: ${clientAuth}, ${revocations}`);
    for (const maxVersion of versions) {
      const asking = { port: gate.port, ca: root.ca, path, tls: { maxVersion } };
      for (const [what, own] of Object.entries(clients)) {
        const wanted = expected[what] === undefined ? 200 : 'refused';
        assert.equal(await outcomeOf({ ...asking, own }), wanted, `${what}, ${maxVersion}`);
      }
      assert.equal(await outcomeOf(asking), clientAuth === 'require' ? 'refused' : 200, `none, ${maxVersion}`);
    }
    const reasons = [...Object.values(expected), clientAuth === 'require' ? 'no_certificate' : undefined];
    const wanted = tally(reasons);
    // A client knows before we do.
    await until('all are counted', async () => {
      const page = await metrics();
      const labels = (reason: string) => ({ listener: 'http', reason });
      return Object.entries(wanted).every(
        ([reason, count]) => seriesOf(page, 'sallyport_tls_handshake_failures_total', labels(reason)) === count,
      );
    });
    const told = () => gate.log().filter(({ event }) => event === 'handshake_failed').length;
    await until('they are told of', () => told() >= Object.keys(wanted).length);
    assert.equal(told(), Object.keys(wanted).length, 'one line for each reason');
  });
}

test('client_auth none: nobody is asked, and no certificate is looked at', async (t) => {
  const { gate } = await start(t, '');
  for (const [what, own] of Object.entries(clients))
    assert.equal(await outcomeOf({ port: gate.port, ca: root.ca, path, own }), 200, what);
});

test('a list of revoked certificates that has run out lets nobody in, and it is counted why', async (t) => {
  const list = root.revoked({ isExpired: true });
  const { gate, metrics } = await start(t, `, client_ca_file: "${root.ca}", client_auth: require, crl_file: "${list}"`);
  assert.equal(await outcomeOf({ port: gate.port, ca: root.ca, path, own: clients['known'] }), 'refused');
  const labels = { listener: 'http', reason: 'crl_expired' };
  assert.equal(seriesOf(await metrics(), 'sallyport_tls_handshake_failures_total', labels), 1);
});

test('an authority without its list of revoked certificates lets nobody in, where there are lists', async (t) => {
  const { gate } = await start(t, `, ${authorities}, client_auth: require, crl_file: "${lists[0]}"`);
  const asking = { port: gate.port, ca: root.ca, path };
  assert.equal(await outcomeOf({ ...asking, own: clients['known'] }), 200);
  assert.equal(await outcomeOf({ ...asking, own: clients['known, of another authority'] }), 'refused');
});

test('old versions of TLS and plain text are refused; the reasons are counted', async (t) => {
  const { gate, metrics } = await start(t, `, min_version: "1.3"`);
  const asking = { port: gate.port, ca: root.ca, path };
  assert.equal(await outcomeOf({ ...asking, tls: { maxVersion: 'TLSv1.2' } }), 'refused');
  await assert.rejects(request(gate.url, path));
  assert.equal(await outcomeOf(asking), 200);
  const page = await metrics();
  for (const reason of ['old_version', 'plain_text'])
    assert.equal(seriesOf(page, 'sallyport_tls_handshake_failures_total', { listener: 'http', reason }), 1, reason);
});

test('versions before 1.2 are refused also where the least version is not set', async (t) => {
  const { gate } = await start(t, '');
  const tls = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  assert.equal(await outcomeOf({ port: gate.port, ca: root.ca, path, tls }), 'refused');
});

test('a client that believes another authority than ours, or looks for another name, does not speak to us', async (t) => {
  const { gate } = await start(t, '');
  const asking = { port: gate.port, ca: root.ca, path };
  assert.equal(await outcomeOf({ ...asking, ca: other.ca }), 'refused');
  assert.equal(await outcomeOf({ ...asking, tls: { servername: 'bank.example.com' } }), 'refused');
});

test('who cannot show a certificate asks on a listener of its own for health, readiness and metrics, and for nothing else', async (t) => {
  const { gate } = await start(t, `, client_ca_file: "${root.ca}", client_auth: require`);
  const probe = async (at: string) => (await request(`http://127.0.0.1:${gate.endpointsPort}`, at)).status;
  for (const at of ['/health', '/ready', '/metrics']) {
    assert.equal(await probe(at), 200, at);
    assert.equal(await outcomeOf({ port: gate.port, ca: root.ca, path: at, own: clients['known'] }), 404, at);
  }
  assert.equal(await probe(path), 404);
});
