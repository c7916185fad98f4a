import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { after, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { createAuthority, type Pair, readPair } from '../../test/servers/certificates.ts';
import { sendRaw } from '../../test/servers/raw-http.ts';
import { listen } from './server.ts';
import { type Certificates, certificateOf, type ListenerTls } from './tls.ts';

const authority = createAuthority({ after });
const pair = authority.issue('sallyport');
const orders = authority.issue('orders', 'spiffe://zone/orders');
const stranger = createAuthority({ after }).issue('orders', 'spiffe://zone/orders');
const ca = readFileSync(authority.ca);

const certificates = (own: Pair = pair, ...crls: Buffer[]): Certificates => ({
  ...readPair(own),
  clientCas: [ca],
  crls,
  endsAt: 0,
});

type Owner = { after(cleanUp: () => Promise<void> | void): void };

/** Answers with the URI by which the caller is known. */
const start = async (owner: Owner, tls: Partial<ListenerTls> = {}, onCertificate?: (seen: unknown) => void) => {
  const listening = await listen(
    (message, response) => {
      const certificate = certificateOf(message.socket);
      onCertificate?.(certificate);
      const body = certificate?.uris[0] ?? 'nobody';
      response.writeHead(200, { 'Content-Length': String(body.length) }).end(body);
    },
    {
      addr: '127.0.0.1:0',
      readTimeoutMs: 5_000,
      maxHeaderBytes: 65_536,
      tls: { certificates: certificates(), clientAuth: 'request', http2: false, minVersion: 'TLSv1.2', ...tls },
    },
  );
  owner.after(() => listening.close(0));
  return { ...listening, port: listening.address.port };
};

type Answer = Readonly<{ body: string; closes: boolean; server: string }>;

const ask = async (port: number, client: Pair | undefined, agent?: Agent): Promise<Answer> => {
  const asked = request({
    port,
    host: '127.0.0.1',
    ca,
    ...(agent && { agent }),
    ...(client && readPair(client)),
  }).end();
  const [response] = await once(asked, 'response');
  const server: TLSSocket = response.socket;
  const name = String(server.getPeerCertificate().subject.CN);
  const body = Buffer.concat(await response.toArray()).toString();
  return { body, closes: response.headers.connection === 'close', server: name };
};

const withAgent = (owner: Owner): Agent => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  owner.after(() => agent.destroy());
  return agent;
};

test('a certificate that the authority signed is who calls; one that nobody asks for is nobody', async (t) => {
  const asking = await start(t);
  assert.equal((await ask(asking.port, orders)).body, 'spiffe://zone/orders');
  assert.equal((await ask(asking.port, undefined)).body, 'nobody');
  const silent = await start(t, { clientAuth: 'none' });
  assert.equal((await ask(silent.port, orders)).body, 'nobody');
});

test('a certificate is one object on all connections of its client, and another one another', async (t) => {
  const seen: unknown[] = [];
  const { port } = await start(t, {}, (certificate) => seen.push(certificate));
  for (const client of [orders, orders, authority.issue('other', 'spiffe://zone/orders')]) await ask(port, client);
  const [first, again, other] = seen;
  assert.ok(first);
  assert.equal(again, first);
  assert.notEqual(other, first);
});

test('a certificate of somebody else ends the connection, also where none is demanded', async (t) => {
  for (const clientAuth of ['request', 'require'] as const) {
    const { port } = await start(t, { clientAuth });
    await assert.rejects(ask(port, stranger), clientAuth);
  }
});

test('who shows none where one is demanded is not served', async (t) => {
  const { port } = await start(t, { clientAuth: 'require' });
  await assert.rejects(ask(port, undefined));
  assert.equal((await ask(port, orders)).body, 'spiffe://zone/orders');
});

test('a revoked certificate is refused', async (t) => {
  const revoked = authority.issue('revoked');
  const crl = readFileSync(authority.revoke(revoked.cert));
  const { port } = await start(t, { certificates: certificates(pair, crl), clientAuth: 'require' });
  await assert.rejects(ask(port, revoked));
  assert.equal((await ask(port, orders)).body, 'spiffe://zone/orders');
});

test('renewed certificates are shown to whoever connects, and open connections end with their next answer', async (t) => {
  const server = await start(t);
  const agent = withAgent(t);
  assert.deepEqual(await ask(server.port, orders, agent), {
    body: 'spiffe://zone/orders',
    closes: false,
    server: 'sallyport',
  });
  assert.throws(() => server.renew({ ...certificates(), key: readPair(orders).key }));
  assert.equal((await ask(server.port, orders, agent)).closes, false);
  server.renew(certificates(authority.issue('renewed')));
  assert.deepEqual(await ask(server.port, orders, agent), {
    body: 'spiffe://zone/orders',
    closes: true,
    server: 'sallyport',
  });
  assert.equal((await ask(server.port, orders, agent)).server, 'renewed');
});

const connected = async (options: ConnectionOptions): Promise<TLSSocket> => {
  const socket = connect({ host: '127.0.0.1', ca, ...options });
  await once(socket, 'secureConnect');
  return socket;
};

test('no session is resumed where certificates are asked for, or one that was revoked meanwhile would go on', async (t) => {
  const { port } = await start(t);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await connected({ port, maxVersion, ...readPair(orders) });
    first.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(first, 'data');
    const session = first.getSession();
    first.destroy();
    assert.ok(session);
    const second = await connected({ port, maxVersion, session, ...readPair(orders) });
    assert.equal(second.isSessionReused(), false, maxVersion);
    second.destroy();
  }
});

test('older versions of TLS are refused, and so is plain text', async (t) => {
  const { port } = await start(t, { minVersion: 'TLSv1.3' });
  await assert.rejects(connected({ port, maxVersion: 'TLSv1.2' }));
  const { text, ended } = await sendRaw('GET / HTTP/1.1\r\nHost: a\r\n\r\n', { port });
  assert.equal(ended, 'closed');
  assert.doesNotMatch(text, /HTTP/);
});
