import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ClusterFault } from '../../core/cluster-fault.ts';
import { createConnection } from './connection.ts';
import type { Credentials } from './login.ts';

const serve = async (t: TestContext, listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
};

const connect = (t: TestContext, url: string, credentials: () => Promise<Credentials>) => {
  const connection = createConnection({ server: new URL(url), credentials }, 1_000);
  t.after(connection.close);
  return connection;
};

const soon = () => AbortSignal.timeout(5_000);
const token = 'very-secret-token';
const known = async (): Promise<Credentials> => ({ headers: { authorization: `Bearer ${token}` }, tls: {} });

test('connections are kept, and made anew when certificates have been renewed', async (t) => {
  const ports: (number | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    ports.push(request.socket.remotePort);
    response.end('{}');
  });
  let ca = 'first';
  const { call } = connect(t, url, async () => ({ headers: {}, tls: { ca } }));
  await call('GET', '/a', { signal: soon() });
  // An answer is read a moment before its connection is free.
  await setImmediate();
  await call('GET', '/b', { signal: soon() });
  ca = 'second';
  await call('GET', '/c', { signal: soon() });
  const [first, second, third] = ports;
  assert.equal(first, second);
  assert.notEqual(second, third);
});

test('a path of the server’s own comes before that of a call, and queries are written as they must be', async (t) => {
  let asked: string | undefined;
  const url = await serve(t, (request, response) => {
    asked = request.url;
    response.end('{}');
  });
  const { call } = connect(t, `${url}/clusters/one/`, known);
  await call('GET', '/api/v1/pods', { query: { labelSelector: 'a=b,c=d' }, signal: soon() });
  assert.equal(asked, '/clusters/one/api/v1/pods?labelSelector=a%3Db%2Cc%3Dd');
});

const faults: readonly (readonly [title: string, listener: RequestListener, said: RegExp])[] = [
  ['nothing in time', () => undefined, /does not answer in time$/],
  ['half an answer', (_, response) => void response.writeHead(200, { 'content-length': 9 }).write('{'), /in time$/],
  ['an end', (request) => void request.socket.destroy(), /does not answer: .*UND_ERR_SOCKET/],
  [
    'more than can be meant',
    (_, response) => {
      const piece = Buffer.alloc(1024 * 1024, ' ');
      const write = () => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', write);
      write();
    },
    /longer than/,
  ],
];

for (const [title, listener, said] of faults) {
  test(`${title} is no answer, and what is said of it names no secret`, async (t) => {
    const { call } = connect(t, await serve(t, listener), known);
    const error = await call('GET', '/', { signal: AbortSignal.timeout(700) }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ClusterFault);
    assert.equal(error.kind, 'unreachable');
    assert.match(error.message, said);
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, new RegExp(token));
  });
}

test('a login that takes too long is given up with the call', async (t) => {
  const { call } = connect(t, 'http://127.0.0.1:9', () => new Promise(() => undefined));
  const error = await call('GET', '/', { signal: AbortSignal.timeout(50) }).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof ClusterFault);
  assert.match(error.message, /does not answer in time/);
});

test('what is no JSON is an answer without a body', async (t) => {
  const { call } = connect(t, await serve(t, (_, response) => void response.writeHead(502).end('<html>')), known);
  assert.deepEqual(await call('GET', '/', { signal: soon() }), { status: 502, body: undefined });
});
