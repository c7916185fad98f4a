/** Services of the operator's own behind the proxy that speak TLS by an authority of the operator's own. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority } from '../servers/certificates.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { createWorkdir } from '../servers/workdir.ts';

const owner = { after };
const authority = createAuthority(owner);
const stranger = createAuthority(owner, 'another authority');
const own = authority.issue('sidecar');
const [open, closed, unknown] = await Promise.all([
  startRecordingTarget({ owner, tls: authority.issue('open') }),
  startRecordingTarget({ owner, tls: authority.issue('closed'), clientCa: authority.ca }),
  startRecordingTarget({ owner, tls: stranger.issue('unknown') }),
]);
const plain = await startRecordingTarget({ owner });

const start = (tls: string) =>
  startSallyport({
    owner,
    config: `trusted_proxies: []
proxy:
  auth: { enabled: false }
  audit: { enabled: false }
  ${tls}
  routes:
    - { path: "/open/**", upstream: "${open.url}" }
    - { path: "/closed/**", upstream: "${closed.url}" }
    - { path: "/unknown/**", upstream: "${unknown.url}" }
    - { path: "/plain/**", upstream: "${plain.url}" }
`,
  });

const statuses = async (tls: string) => {
  const { url } = await start(tls);
  const asked = ['/open/1', '/closed/1', '/unknown/1', '/plain/1'].map((path) => request(url, path));
  return (await Promise.all(asked)).map(({ status }) => status);
};

const ca = `ca_cert: "${authority.ca}"`;

for (const [title, tls, expected] of [
  ['nobody but the public authorities is believed', '', [502, 502, 502, 200]],
  ['an authority of the operator’s is, and no other', `upstream_tls: { ${ca} }`, [200, 502, 502, 200]],
  [
    'a certificate of its own is shown',
    `upstream_tls: { ${ca}, client_cert: "${own.cert}", client_key: "${own.key}" }`,
    [200, 200, 502, 200],
  ],
] as const) {
  test(title, needs('openssl'), async () => assert.deepEqual(await statuses(tls), expected));
}

test('an authority’s file that is half written keeps it from starting, and is named', needs('openssl'), async () => {
  const half = join(createWorkdir('half', owner).path, 'half.pem');
  writeFileSync(half, readFileSync(authority.ca, 'utf8').slice(0, 200));
  await assert.rejects(start(`upstream_tls: { ca_cert: "${half}" }`), /proxy\.upstream_tls: .*half\.pem: cut off/);
});
