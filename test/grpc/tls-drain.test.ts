/** How a gRPC listener with TLS asks its callers to come back, while they ask: when it ends, and when certificates are renewed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { after, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { GrpcListening } from '../../src/grpc/server/listener.ts';
import type { ClientStream, ServerStream, Unary } from '../../src/grpc/server/method.ts';
import { isFailure } from '../../src/grpc/server/status.ts';
import { createAuthority, type Pair, readPair } from '../servers/certificates.ts';
import type { Owner } from '../servers/last-resort.ts';
import { until } from '../servers/until.ts';
import { callRaw, framed, startListener, statusOf } from './wire.ts';

const authority = createAuthority({ after });
const ca = readFileSync(authority.ca);
const [first, second] = [authority.issue('first'), authority.issue('second')];
const [envoy, leaked] = [authority.issue('envoy'), authority.issue('leaked')];

const certificatesOf = (own: Pair, list = authority.revoked()) => ({
  ...readPair(own),
  clientCas: [ca],
  crls: [readFileSync(list)],
});

const hello = framed(Buffer.from('hello'));

const open = (port: number, owner: Owner, client = envoy): ClientHttp2Session => {
  const session = connect(`https://127.0.0.1:${port}`, { ca, ...readPair(client) });
  session.on('error', () => undefined);
  owner.after(async () => session.destroy());
  return session;
};

const serverOf = async (session: ClientHttp2Session): Promise<string> => {
  if (session.connecting) await once(session, 'connect');
  assert.ok(session.socket instanceof TLSSocket || 'getPeerCertificate' in session.socket);
  return String((session.socket as TLSSocket).getPeerCertificate().subject.CN);
};

const ways: readonly [string, (listening: GrpcListening) => void][] = [
  ['drains', ({ drain }) => drain()],
  ['is given renewed certificates', ({ renew }) => renew(certificatesOf(second))],
];

for (const [what, act] of ways) {
  test(`a listener with TLS that ${what} under load goes on, answers what it was asked, and ends every connection in order`, async (t) => {
    let seen = 0;
    const large = 'x'.repeat(900);
    const echo: Unary = {
      kind: 'unary',
      answer(message) {
        if (isFailure(message)) return message;
        seen += 1;
        return [large];
      },
    };
    const listening = await startListener(t, {
      methods: { '/test.Test/Echo': echo },
      certificates: certificatesOf(first),
    });
    const sessions = Array.from({ length: 20 }, () => open(listening.address.port, t));
    let answered = 0;
    const atWork = new Set<ClientHttp2Session>();
    const load = Promise.all(
      sessions.map(async (session) => {
        session.setMaxListeners(0);
        await once(session, 'connect');
        while (!session.closed && !session.destroyed) {
          const calls = Array.from({ length: 20 }, () =>
            callRaw(session, {}, [hello]).then(
              (answer) => {
                if (statusOf(answer) === 0) answered++;
                atWork.add(session);
              },
              () => undefined,
            ),
          );
          await Promise.race([Promise.all(calls), new Promise((resolve) => session.once('close', resolve))]);
        }
      }),
    );
    await until('all are at work', () => atWork.size === sessions.length && answered > 400);
    act(listening);
    await load;
    await until('all have left', () => sessions.every(({ destroyed }) => destroyed));
    assert.equal(answered, seen);
  });
}

const echo: Unary = { kind: 'unary', answer: (message) => (isFailure(message) ? message : ['']) };
const log: ClientStream = { kind: 'client_stream', open: () => ({ take: () => undefined, finish: () => [''] }) };
const watch: ServerStream = {
  kind: 'server_stream',
  open(_message, send) {
    send(['']);
    return () => undefined;
  },
};
const methods = { '/test.Test/Echo': echo, '/test.Test/Log': log, '/test.Test/Watch': watch };

/** A call that its caller does not end before it is told its status, unless one message is all of it. */
const callUntilTold = (session: ClientHttp2Session, path: string, isWhole = false): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    stream.on('error', reject).resume().write(hello);
    if (isWhole) stream.end();
    stream.once('trailers', (trailers) => {
      resolve(trailers['grpc-status']);
      stream.end();
    });
  });

test('calls that go on for as long as their callers want end with the certificates that they were made by', async (t) => {
  const { address, renew } = await startListener(t, { methods, certificates: certificatesOf(first) });
  const old = open(address.port, t);
  assert.equal(await serverOf(old), 'first');
  const long = [callUntilTold(old, '/test.Test/Log'), callUntilTold(old, '/test.Test/Watch', true)];
  assert.equal(statusOf(await callRaw(old, {}, [hello])), 0, 'by now they are there');
  renew(certificatesOf(second));
  assert.deepEqual(await Promise.all(long), ['0', '0']);
  await until('the connection has ended', () => old.destroyed);
  const next = open(address.port, t);
  assert.equal(await serverOf(next), 'second');
  assert.equal(statusOf(await callRaw(next, {}, [hello])), 0);
});

test('a certificate that is revoked gets no connection any more, and the one that it has ends', async (t) => {
  const failures: string[] = [];
  const { address, renew } = await startListener(t, {
    methods,
    certificates: certificatesOf(first),
    onHandshakeFailed: ({ authorizationError }) => failures.push(String(authorizationError)),
  });
  const old = open(address.port, t, leaked);
  assert.equal(statusOf(await callRaw(old, {}, [hello])), 0);
  renew(certificatesOf(first, authority.revoke(leaked.cert)));
  await until('its connection has ended', () => old.destroyed);
  const again = open(address.port, t, leaked);
  await once(again, 'close');
  assert.equal(statusOf(await callRaw(open(address.port, t), {}, [hello])), 0);
  assert.deepEqual(failures, ['CERT_REVOKED']);
});
