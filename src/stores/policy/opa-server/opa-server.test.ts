import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import {
  answering,
  badJson,
  cutShort,
  type Fault,
  hold,
  hugeBody,
  redirected,
  withFaults,
} from '../../../../test/peers/faults.ts';
import { json, listen } from '../../../../test/peers/loopback.ts';
import { freePort } from '../../../../test/servers/free-port.ts';
import { startOpa } from '../../../../test/servers/opa.ts';
import { find, needs } from '../../../../test/servers/programs.ts';
import type { PolicyEngine } from '../../../checks/policy-engine.ts';
import { guardTarget } from '../../outbound/target-guard.ts';
import { createOpaServer, type OpaServerOptions } from './opa-server.ts';

type Owner = { after(cleanUp: () => Promise<void>): void };

const open = (owner: Owner, url: string, changes: Partial<OpaServerOptions> = {}): PolicyEngine => {
  const engine = createOpaServer({
    url: new URL(url),
    lookup: guardTarget(new URL(url), true),
    queries: ['data.orders.allow'],
    timeoutMs: 2_000,
    now: Date.now,
    ...changes,
  });
  owner.after(engine.close);
  return engine;
};

const orders = `package orders
import rego.v1

default allow := false
allow if input.user == "ann"
number := 7
nothing if input.user == "bob"
conflict := 1
conflict := 2 if input.user == "ann"
result := {"allow": true, "reasons": ["é"]}
`;

const real = find('opa') === undefined ? undefined : await startOpa({ owner: { after }, files: { 'o.rego': orders } });

for (const [query, expected] of [
  ['data.orders.allow', { outcome: 'value', value: true }],
  ['data.orders.number', { outcome: 'value', value: 7 }],
  ['data.orders.nothing', { outcome: 'undefined' }],
  ['data.absent.at.all', { outcome: 'undefined' }],
  ['data.orders.result', { outcome: 'value', value: { allow: true, reasons: ['é'] } }],
] as const) {
  test(`the real server answers ${query}`, needs('opa'), async (t) => {
    assert.ok(real);
    const engine = open(t, real.url, { queries: [query] });
    assert.deepEqual(await engine.evaluate(query, '{"user":"ann"}'), expected);
    assert.equal(await engine.problem?.(), undefined);
  });
}

test('a rule with two values is a failure of the policy, and the server is still well', needs('opa'), async (t) => {
  assert.ok(real);
  const engine = open(t, real.url, { queries: ['data.orders.conflict'] });
  const answer = await engine.evaluate('data.orders.conflict', '{"user":"ann"}');
  assert.equal(answer.outcome, 'failed');
  assert.match(String(answer.outcome === 'failed' && answer.cause), /500: .* produced conflicting values: 1 at /);
  assert.equal(await engine.problem?.(), undefined);
});

/** A server that lets everybody in, and does to them what the test wants. */
const startPeer = async (owner: Owner, changes: Partial<OpaServerOptions> = {}) => {
  const { respond, faults } = withFaults(({ url }) =>
    url === '/health' ? json(200, {}) : json(200, { result: true }),
  );
  const server = await listen(respond, owner);
  return { server, faults, engine: open(owner, server.url, changes) };
};

const waits: Fault = hold().fault;

for (const [title, fault, outcome, cause] of [
  ['what is no JSON', badJson, 'failed', /JSON/],
  ['JSON that is no object', answering(200, '[true]'), 'failed', /no JSON object/],
  ['nothing', answering(200, ''), 'failed', /JSON/],
  ['half of its answer', cutShort, 'failed', /./],
  ['an answer without end', hugeBody(), 'failed', /larger than 262144 bytes/],
  ['a redirect', redirected('/v1/data/other'), 'failed', /answered 302/],
  ['500', answering(500, '<html>secret</html>'), 'failed', /answered 500$/],
  ['401', answering(401, '{"code":"unauthorized","message":"who are you"}'), 'failed', /answered 401: who are you/],
  ['204', answering(204), 'failed', /answered 204/],
  ['nothing in time', waits, 'timeout', undefined],
] as const) {
  test(`a server that gives ${title} lets nobody in`, async (t) => {
    const { faults, engine } = await startPeer(t, outcome === 'timeout' ? { timeoutMs: 30 } : {});
    faults.set('/v1/data/orders/allow', fault);
    const answer = await engine.evaluate('data.orders.allow', '{}');
    assert.equal(answer.outcome, outcome);
    if (cause) assert.match(String(answer.outcome === 'failed' && answer.cause), cause);
    assert.match(String(await engine.problem?.()), /^the policy server gives no answer: /);
    assert.equal(faults.seen('*'), 1);
  });
}

test('an answer that does not end in time is late', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"result": true');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  t.after(() => server.close());
  const engine = open(t, `http://127.0.0.1:${address.port}`, { timeoutMs: 50 });
  assert.equal((await engine.evaluate('data.orders.allow', '{}')).outcome, 'timeout');
});

test('a server that is away lets nobody in, readiness shows it, and both end when it is back', async (t) => {
  let nowMs = 1_000;
  const { server, engine } = await startPeer(t, { now: () => nowMs });
  assert.equal(await engine.problem?.(), undefined);
  await server.outage();
  assert.equal((await engine.evaluate('data.orders.allow', '{}')).outcome, 'failed');
  assert.match(String(await engine.problem?.()), /no answer: .*ECONNREFUSED/);
  await server.recover();
  nowMs += 1_001;
  assert.equal(await engine.problem?.(), undefined);
  assert.deepEqual(await engine.evaluate('data.orders.allow', '{}'), { outcome: 'value', value: true });
});

test('a server that was never there shows before the first request', async (t) => {
  const engine = open(t, `http://127.0.0.1:${await freePort()}`);
  assert.match(String(await engine.problem?.()), /ECONNREFUSED/);
});

test('a kept connection that is closed as it is used again costs nobody the answer', async (t) => {
  const { faults, engine } = await startPeer(t);
  await engine.evaluate('data.orders.allow', '{}');
  faults.set('/v1/data/orders/allow', () => undefined, { times: 1 });
  assert.deepEqual(await engine.evaluate('data.orders.allow', '{}'), { outcome: 'value', value: true });
});

test('the question goes out whole, below the path of the URL, with the input as it was given', async (t) => {
  const { server, faults } = await startPeer(t);
  const engine = open(t, `${server.url}/opa/`);
  const input = '{"headers":{"X-A":"ü"},"n":1.50}';
  await engine.evaluate('data.orders.allow', input);
  const [asked] = faults.requests('/opa/v1/data/orders/allow');
  assert.equal(asked?.method, 'POST');
  assert.equal(asked.body.toString(), `{"input":${input}}`);
  assert.equal(asked.header('content-type'), 'application/json');
});

test('each of many questions at once gets its own answer', async (t) => {
  const server = await listen(({ body }) => json(200, { result: JSON.parse(body.toString()).input }), t);
  const engine = open(t, server.url);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_unused, index) => engine.evaluate('data.orders.allow', String(index))),
  );
  assert.deepEqual(
    answers,
    answers.map((_answer, value) => ({ outcome: 'value', value })),
  );
});
