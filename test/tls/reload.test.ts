/** Certificates that change while a listener runs: real files, real connections. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openWithTls, type TlsConfig } from '../../src/assemble/tls.ts';
import type { TlsEvents } from '../../src/assemble/tls-events.ts';
import { listen } from '../../src/http/server.ts';
import { certificateOf } from '../../src/http/tls.ts';
import { createAuthority, type Pair } from '../servers/certificates.ts';
import type { Owner } from '../servers/last-resort.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { ask, outcomeOf } from './ask.ts';

const authority = createAuthority({ after });
const [first, second, third] = [authority.issue('first'), authority.issue('second'), authority.issue('third')];
const rsa = authority.issue('rsa', undefined, { keyType: 'rsa' });
const [alice, bob] = [authority.issue('alice'), authority.issue('bob')];

const LOOK_EVERY_MS = 5;

/** Its files can be put there anew; `kept` are those that were not taken, `used` how many times some were. */
const start = async (owner: Owner, options: Partial<NonNullable<TlsConfig>> = {}) => {
  const { path } = createWorkdir('listener', owner);
  const at = (name: string) => join(path, name);
  const put = (name: string, from: string) => copyFileSync(from, at(name));
  const putPair = ({ cert, key }: Pair) => {
    put('cert', cert);
    put('key', key);
  };
  putPair(first);
  put('ca', authority.ca);
  put('crl', authority.revoked());
  const kept: string[] = [];
  let used = 0;
  const events: TlsEvents = {
    onHandshakeFailed: () => undefined,
    onKept: (error) => void kept.push(String(error)),
    onUsed: () => void used++,
  };
  const tls: TlsConfig = {
    ...{ enabled: true, cert_file: at('cert'), key_file: at('key'), client_ca_file: [at('ca')], crl_file: [at('crl')] },
    ...{ client_auth: 'require', min_version: '1.2', http2: false },
    ...options,
  };
  const listening = await openWithTls(
    'http.tls',
    tls,
    events,
    (listenerTls) =>
      listen(
        (message, response) => {
          const body = certificateOf(message.socket)?.attributes['CN']?.[0] ?? 'nobody';
          response.writeHead(200, { 'Content-Length': String(body.length) }).end(body);
        },
        { addr: '127.0.0.1:0', readTimeoutMs: 5_000, maxHeaderBytes: 65_536, tls: listenerTls },
      ),
    LOOK_EVERY_MS,
  );
  owner.after(() => listening.close(0));
  const client = { port: listening.address.port, ca: authority.ca, own: alice };
  return { at, put, putPair, kept, client, used: () => used };
};

test('a list of revoked certificates that is replaced counts at once, also for connections that are open', async (t) => {
  const { put, client, used } = await start(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const revoked = { ...client, own: bob };
  assert.equal((await ask({ ...revoked, agent })).body, 'bob');
  put('crl', authority.revoke(bob.cert));
  await until('the list is used', () => used() === 2);
  // What is open is answered once more, and ends.
  assert.deepEqual(await ask({ ...revoked, agent }).then(({ closes, reused }) => [closes, reused]), [true, true]);
  await assert.rejects(ask({ ...revoked, agent }));
  assert.equal(await outcomeOf(revoked), 'refused');
  assert.equal(await outcomeOf(client), 200);
});

const cut = (path: string) => readFileSync(path).subarray(0, 200);

for (const [what, name, content, problem] of [
  ['a certificate without its key', 'cert', readFileSync(second.cert), /key: not the key of the certificate/],
  ['a key without its certificate', 'key', readFileSync(second.key), /key: not the key of the certificate/],
  ['a key of another kind', 'key', readFileSync(rsa.key), /key: not the key of the certificate/],
  ['half of a certificate', 'cert', cut(second.cert), /cert: cut off/],
  ['half of a key', 'key', cut(second.key), /key: no private key/],
  ['an empty certificate file', 'cert', '', /cert: no certificate/],
  ['an empty file of authorities', 'ca', '', /ca: no certificate/],
  ['half of a file of authorities', 'ca', cut(authority.ca), /ca: cut off/],
  ['an empty list of revoked certificates', 'crl', '', /crl: no list of revoked certificates/],
  ['half of a list of revoked certificates', 'crl', cut(authority.revoked()), /crl: cut off/],
] as const) {
  test(`${what} is kept out and told of, and what was used before stays in use`, async (t) => {
    const { at, kept, client, used } = await start(t);
    writeFileSync(at(name), content);
    await until('it is told of', () => kept.length === 1);
    assert.match(kept[0] ?? '', problem);
    assert.deepEqual(await ask(client).then(({ body, server, closes }) => [body, server, closes]), [
      'alice',
      'first',
      true,
    ]);
    assert.equal(await outcomeOf({ ...client, own: undefined }), 'refused');
    assert.equal(used(), 1);
  });
}

test('while certificates are renewed again and again, not one request fails', async (t) => {
  const { putPair, client, used } = await start(t);
  const servers = new Set<string>();
  let over = false;
  const load = Array.from({ length: 8 }, async (_, index) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let count = 0;
    for (; !over; count++) {
      const { status, body, server } = await ask({ ...client, ...(index % 2 === 0 && { agent }) });
      assert.deepEqual([status, body], [200, 'alice']);
      servers.add(server);
    }
    agent.destroy();
    return count;
  });
  for (const [index, pair] of [second, third, first, second, third].entries()) {
    putPair(pair);
    await until('it is used', () => used() >= index + 2);
    await until('it was seen', () => servers.has(pair === first ? 'first' : pair === second ? 'second' : 'third'));
  }
  over = true;
  const counts = await Promise.all(load);
  assert.ok(
    counts.every((count) => count > 0),
    counts.join(),
  );
  assert.deepEqual([...servers].sort(), ['first', 'second', 'third']);
});
