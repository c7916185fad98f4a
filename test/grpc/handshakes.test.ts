/** Handshakes that stand still on the gRPC listener: bounded, nothing to the others, and no reason to live on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { createAuthority, readPair } from '../servers/certificates.ts';
import type { Owner } from '../servers/last-resort.ts';
import { callRaw, startListener, statusOf } from './wire.ts';

const authority = createAuthority({ after });
const ca = readFileSync(authority.ca);
const certificates = { ...readPair(authority.issue('sallyport')), clientCas: [ca], crls: [] };
const methods = { '/test.Test/Echo': { kind: 'unary', answer: () => [] } } as const;

/** The first bytes of what a client says. */
const hello = Buffer.from('16030100f4010000f003', 'hex');

const stand = async (owner: Owner, port: number, bytes: Buffer): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  owner.after(async () => void socket.destroy());
  await once(socket, 'connect');
  if (bytes.length > 0) socket.write(bytes);
  return socket;
};

test('handshakes that stand still are given up, while others are served', async (t) => {
  const failures: string[] = [];
  const { address } = await startListener(t, {
    methods,
    certificates,
    handshakeTimeoutMs: 300,
    onHandshakeFailed: (_socket, error) => failures.push('code' in error ? String(error.code) : error.message),
  });
  const sockets = await Promise.all(
    Array.from({ length: 100 }, (_, index) => stand(t, address.port, hello.subarray(0, index % 2 ? hello.length : 0))),
  );
  const ends = Promise.all(sockets.map((socket) => once(socket, 'close')));
  const session = connectHttp2(`https://127.0.0.1:${address.port}`, { ca, ...readPair(authority.issue('envoy')) });
  t.after(() => session.destroy());
  assert.equal(statusOf(await callRaw(session, {})), 0);
  await ends;
  assert.deepEqual(failures, Array(100).fill('ERR_TLS_HANDSHAKE_TIMEOUT'));
});

for (const [what, bytes, graceMs] of [
  ['who has not said a word', Buffer.alloc(0), 60_000],
  ['a handshake that stands still', hello, 300],
] as const)
  test(`${what} does not hold up the end`, async (t) => {
    const { address, close } = await startListener(t, { methods, certificates, handshakeTimeoutMs: 60_000 });
    const socket = await stand(t, address.port, bytes);
    const session = connectHttp2(`https://127.0.0.1:${address.port}`, { ca, ...readPair(authority.issue('envoy')) });
    t.after(() => session.destroy());
    assert.equal(statusOf(await callRaw(session, {})), 0, 'it knows of the socket by now');
    const ended = once(socket, 'close');
    await close(graceMs);
    await ended;
  });
