/** Handshakes that do not end, or that nobody needs, are nothing to the others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, readPair } from '../servers/certificates.ts';
import type { Owner } from '../servers/last-resort.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { ask, seriesOf } from './ask.ts';

const authority = createAuthority({ after });
const { cert, key } = authority.issue('sallyport');
const own = authority.issue('client');

const start = async (owner: Owner, more = '') => {
  const tls = `cert_file: "${cert}", key_file: "${key}", client_ca_file: "${authority.ca}", client_auth: require`;
  const gate = await startSallyport({
    owner,
    http: `tls: { ${tls} }${more}`,
    config: `endpoints: { addr: "127.0.0.1:0" }
rules: [{ name: free, match: { path: "/free/**" }, accept: [anonymous] }]
`,
  });
  const client = { port: gate.port, ca: authority.ca, own, path: '/auth/native/free/x' };
  const failures = async (reason: string) => {
    const { body } = await request(`http://127.0.0.1:${gate.endpointsPort}`, '/metrics');
    return seriesOf(body, 'sallyport_tls_handshake_failures_total', { listener: 'http', reason });
  };
  return { gate, client, failures };
};

/** The first bytes of what a client says. */
const hello = Buffer.from('16030100f4010000f003', 'hex');

test('handshakes that stand still are given up, while others are served', async (t) => {
  const { gate, client, failures } = await start(t, ', read_timeout: 1s');
  const ended: Promise<unknown>[] = [];
  const open = async (bytes: Buffer): Promise<Socket> => {
    const socket = connect({ port: gate.port, host: '127.0.0.1' });
    socket.on('error', () => undefined).resume();
    ended.push(new Promise((resolve) => socket.once('close', resolve)));
    await once(socket, 'connect');
    if (bytes.length > 0) socket.write(bytes);
    return socket;
  };
  const sockets = await Promise.all(
    Array.from({ length: 400 }, (_, index) => open(hello.subarray(0, index % 2 ? hello.length : 0))),
  );
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let time = 0; time < 5; time++) assert.equal((await ask(client)).status, 200);
  await Promise.all(ended);
  assert.equal(await failures('timeout'), 400);
});

test('clients that begin one handshake after another and leave do not keep others from being served', async (t) => {
  const { gate, client, failures } = await start(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  await ask({ ...client, agent });
  let over = false;
  let handshakes = 0;
  const attacker = async (): Promise<void> => {
    while (!over) {
      const socket = connectTls({ port: gate.port, host: '127.0.0.1', rejectUnauthorized: false, ...readPair(own) });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      socket.destroy();
      handshakes += 1;
    }
  };
  const attack = Promise.all(Array.from({ length: 16 }, attacker));
  await until('the attack is under way', () => handshakes > 50);
  for (let time = 0; time < 20; time++) {
    const startedAt = performance.now();
    assert.equal((await ask({ ...client, agent })).status, 200);
    assert.ok(performance.now() - startedAt < 2_000);
  }
  over = true;
  await attack;
  assert.equal((await ask(client)).status, 200);
  assert.equal(await failures('timeout'), 0);
});

test('nobody begins a second handshake on a connection, by which they could become somebody else', async (t) => {
  const { gate, client } = await start(t);
  const socket = connectTls({
    port: gate.port,
    host: '127.0.0.1',
    maxVersion: 'TLSv1.2',
    rejectUnauthorized: false,
    ...readPair(own),
  });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  const refused = await new Promise((resolve) => {
    socket.once('close', () => resolve(true));
    const isAsked = socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error !== null));
    if (!isAsked) resolve(true);
  });
  assert.equal(refused, true);
  socket.destroy();
  assert.equal((await ask(client)).status, 200);
});
