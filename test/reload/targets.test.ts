/** What a target keeps over a reload: two generations of one configuration, and of another. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type AssembledTarget, assembleTarget } from '../../src/assemble/target.ts';
import { createTargetMemory } from '../../src/assemble/target-memory.ts';
import { load } from '../../src/config/harness.test.ts';

const events = { onCertificatesKept: () => undefined, onBreaker: () => undefined };

/** Its status, or why it was refused. */
const ask = ({ target }: AssembledTarget): Promise<number | string> =>
  new Promise((resolve) => {
    let answered = 0;
    const call = { method: 'GET', path: '/', headers: [], body: undefined, bodyLength: undefined, timeoutMs: 5_000 };
    target.send(call, {
      attempt: () => undefined,
      head: (status) => {
        answered = status;
      },
      data: () => undefined,
      // undici has a connection free again in the turn after.
      end: () => setImmediate(() => setImmediate(() => resolve(answered))),
      refuse: ({ why }) => resolve(why),
      fail: ({ failure }) => resolve(failure),
    });
  });

const start = async (t: TestContext, answer: RequestListener) => {
  const server = createServer(answer);
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const memory = createTargetMemory();
  return {
    server,
    connections: () => connections,
    generation(settings = '', name = 'a'): AssembledTarget {
      const { config } = load(
        `egress: { targets: { a: { url: "http://127.0.0.1:${port}", allow_private: true, retry_count: 0, ${settings} } } }`,
      );
      const target = config.egress?.targets['a'];
      assert.ok(target && config.egress);
      return assembleTarget(name, target, { credentials: [], defaults: config.egress.defaults, memory, events });
    },
  };
};

const ok: RequestListener = (_, response) => void response.end('ok');
const away: RequestListener = (_, response) => void response.writeHead(503).end();

test('a target whose settings stay keeps its connection, which ends with the last generation', async (t) => {
  const { server, connections, generation } = await start(t, ok);
  const first = generation();
  assert.equal(await ask(first), 200);
  const second = generation('timeout: 7s');
  await first.close();
  assert.equal(await ask(second), 200);
  assert.equal(connections(), 1);
  await second.close();
  server.close();
  await once(server, 'close');
});

test('no target uses the connections of another, not even of one at the same address', async (t) => {
  const { connections, generation } = await start(t, ok);
  const [first, second] = [generation(), generation('', 'b')];
  assert.deepEqual([await ask(first), await ask(second), connections()], [200, 200, 2]);
  await Promise.all([first.close(), second.close()]);
});

test('an open breaker stays open, and does not where its settings are others', async (t) => {
  const { generation } = await start(t, away);
  const breaker = 'breaker: { failures: 1, open_for: 60s }';
  const first = generation(breaker);
  assert.equal(await ask(first), 503);
  const second = generation(`${breaker}, timeout: 7s`);
  assert.equal(await ask(second), 'breaker');
  const third = generation('breaker: { failures: 1, open_for: 50s }');
  assert.equal(await ask(third), 503);
  await Promise.all([first, second, third].map(({ close }) => close()));
});

test('calls of the generation before count among those under way', async (t) => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>();
  const { server, generation } = await start(t, (_, response) => void mayAnswer.then(() => response.end()));
  const limits = 'max_concurrent: 1, max_waiting: 0';
  const [first, second] = [generation(limits), generation(limits)];
  const arrived = once(server, 'request');
  const answer = ask(first);
  await arrived;
  assert.equal(await ask(second), 'busy');
  letAnswer();
  assert.equal(await answer, 200);
  assert.equal(await ask(second), 200);
  await Promise.all([first.close(), second.close()]);
});
