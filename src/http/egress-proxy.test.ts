/** Against the clocks of a listener: what stands still rightly, and what does not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createRequestFilter } from '../egress/headers.ts';
import { createJoining } from '../egress/join.ts';
import { compileEgressRoutes } from '../egress/routes.ts';
import type { SendCall, Target } from '../egress/target.ts';
import type { Observe } from './egress-exchange.ts';
import { createEgressProxy } from './egress-proxy.ts';
import { createPeers } from './peers.ts';
import { listen } from './server.ts';

const TIMEOUT_MS = 200;

/** Reads the body and answers so much later. */
const answeringAfter =
  (ms: number): SendCall =>
  ({ body }, receiver) => {
    const answer = () =>
      setTimeout(() => {
        receiver.head(200, ['Content-Length', '2']);
        receiver.data(Buffer.from('ok'));
        receiver.end();
      }, ms);
    if (body === undefined || Buffer.isBuffer(body)) answer();
    else body.on('end', answer).resume();
    return { pause: () => undefined, resume: () => undefined, abort: () => undefined };
  };

type Around = Readonly<{ trusted?: string[]; observe?: Observe }>;

const startWith = async (send: SendCall, { trusted = [], observe = () => undefined }: Around = {}) => {
  const target: Target = {
    name: 'target',
    origin: 'http://target.example',
    basePath: '',
    credentials: [],
    timeoutMs: 60_000,
    wholeBody: () => undefined,
    send,
    sendOnce: send,
  };
  const route = {
    target,
    admission: { ownHeaders: [], admit: () => ({ caller: '' }) },
    joining: createJoining('', undefined, undefined),
    filterHeaders: createRequestFilter([]),
    ownParameters: [],
    timeoutMs: 60_000,
    escapedSlashes: false,
    websocket: false,
  };
  const proxy = createEgressProxy({
    routes: compileEgressRoutes([{ pathPrefix: '/', value: route }], '/ext'),
    peers: createPeers(trusted),
    forwardedCertificates: false,
    observe,
  });
  const listening = await listen(proxy, {
    addr: '127.0.0.1:0',
    readTimeoutMs: TIMEOUT_MS,
    writeTimeoutMs: TIMEOUT_MS,
    maxHeaderBytes: 65_536,
    invitesBody: () => true,
  });
  after(() => listening.close(0));
  return (options: { method?: string; headers?: Record<string, string> } = {}) =>
    request({ port: listening.address.port, agent: false, ...options });
};

test('a target may take longer than http.write_timeout to answer: it has a clock of its own', async () => {
  const ask = await startWith(answeringAfter(4 * TIMEOUT_MS));
  const outgoing = ask();
  outgoing.end();
  const [answer] = await once(outgoing, 'response');
  assert.equal(answer.resume().statusCode, 200);
});

test('a body may take longer than http.read_timeout to arrive, as long as it moves', async () => {
  const ask = await startWith(answeringAfter(0));
  const outgoing = ask({ method: 'POST' });
  // Node looks for requests that are late once a second.
  for (let part = 0; part < 12; part++) {
    outgoing.write('x');
    await pause(TIMEOUT_MS / 2);
  }
  outgoing.end();
  const [answer] = await once(outgoing, 'response');
  assert.equal(answer.resume().statusCode, 200);
});

test('a body that stands still is a 408, and the end', async () => {
  const ask = await startWith(answeringAfter(0));
  const outgoing = ask({ method: 'POST', headers: { 'Content-Length': '10' } });
  outgoing.write('x');
  outgoing.on('error', () => undefined);
  const [answer] = await once(outgoing, 'response');
  assert.deepEqual([answer.resume().statusCode, answer.headers.connection], [408, 'close']);
});

for (const [who, trusted, told] of [
  ['a trusted proxy', ['127.0.0.1/32'], true],
  ['anybody else', [], false],
] as const) {
  test(`the id that ${who} passes on is ${told ? '' : 'not '}the one that the call is told of by`, async () => {
    const seen: string[] = [];
    const ask = await startWith(answeringAfter(0), {
      trusted: [...trusted],
      observe: ({ requestId }) => seen.push(requestId),
    });
    for (const headers of [{ 'X-Correlation-ID': 'req-abc' }, { 'X-Request-ID': 'req-abc' }]) {
      const outgoing = ask({ headers });
      outgoing.end();
      const [answer] = await once(outgoing, 'response');
      await once(answer.resume(), 'close');
    }
    assert.deepEqual(
      seen.map((id) => id === 'req-abc'),
      [told, told],
    );
  });
}
