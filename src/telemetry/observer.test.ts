import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type Allow, deny } from '../core/decision.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import { anonymous, type Identity } from '../core/identity.ts';
import { type Refusal, type RefusalCode, refusalKinds, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { createObserver } from './observer.ts';

const request: AuthRequest = {
  id: 'r1',
  method: 'GET',
  scheme: 'https',
  host: 'a.example.com',
  path: '/orders/1',
  query: 'token=canary-in-query',
  clientIp: '203.0.113.7',
  header: (name) => `canary-in-${name}`,
  findHeaderName: () => undefined,
};

const event = (decision: DecisionEvent['decision'], rest: Partial<DecisionEvent> = {}): DecisionEvent => ({
  requestId: 'r1',
  dialect: 'nginx',
  rule: 'orders',
  decision,
  request,
  peerIp: '10.0.0.1',
  durationMs: 0.123456,
  ...rest,
});

const allow = (identity: Identity = anonymous): Allow => ({
  verdict: 'allow',
  identity,
  upstream: { Authorization: 'canary-upstream' },
  client: {},
  remove: [],
});

const create = (t: TestContext, sampleAllows = 0, random = () => 0.5) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-observer-'));
  const fd = openSync(join(directory, 'log'), 'a');
  const { logger, flush } = createLogger({ level: 'info', format: 'json' }, fd);
  t.after(() => {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });
  const metrics = createMetrics();
  const lines = () => {
    flush();
    return readFileSync(join(directory, 'log'), 'utf8').split('\n').slice(0, -1);
  };
  const only = (): Record<string, unknown> => {
    assert.equal(lines().length, 1);
    return JSON.parse(lines()[0] ?? '');
  };
  return { observe: createObserver(metrics, logger, sampleAllows, random), metrics, lines, only };
};

test('what a policy says stands in the line, in fields of its own', (t) => {
  const findings = { reasons: ['no role'], audit: { rule: 'forged', action: 'read' } };
  const { observe, lines } = create(t, 1);
  observe(event(deny(refuse('policy_denied', 'No.', { findings }))));
  observe(event({ ...allow(anonymous), findings }));
  for (const line of lines().map((text) => JSON.parse(text))) {
    assert.deepEqual(
      [line.reasons, line.policy, line.rule],
      [['no role'], { rule: 'forged', action: 'read' }, 'orders'],
    );
  }
});

test('a denial is one line with all that is needed to find out why, and no secret', (t) => {
  const { observe, only } = create(t);
  observe(event(deny(refuse('invalid_token', 'The signature is wrong.', { cause: new Error('why') }))));
  const { time: _, ...line } = only();
  assert.deepEqual(line, {
    level: 'info',
    event: 'denied',
    request_id: 'r1',
    dialect: 'nginx',
    rule: 'orders',
    method: 'GET',
    host: 'a.example.com',
    path: '/orders/1',
    client_ip: '203.0.113.7',
    duration_ms: 0.123,
    code: 'invalid_token',
    status: 401,
    detail: 'The signature is wrong.',
    cause: 'Error: why',
    msg: 'denied',
  });
});

test('a question that could not be read is a line as well, with what is known', (t) => {
  const { observe, only } = create(t);
  observe(event(deny(refuse('ambiguous_path', 'The path has a dot segment.')), { rule: '', request: undefined }));
  const line = only();
  assert.deepEqual([line['client_ip'], line['code'], 'path' in line], ['10.0.0.1', 'ambiguous_path', false]);
});

for (const [code, { status }] of Object.entries(refusalKinds)) {
  test(`${code} is ${status >= 500 ? 'a warning' : 'no warning'}`, (t) => {
    const { observe, only } = create(t);
    observe(event(deny(refuse(code as RefusalCode, 'x'))));
    assert.equal(only()['level'], status >= 500 ? 'warn' : 'info');
  });
}

for (const [share, random, lines] of [
  [0, 0, 0],
  [0.01, 0.009, 1],
  [0.01, 0.01, 0],
  [1, 0.999, 1],
] as const) {
  test(`of the allowed ones a share of ${share} has a line: ${random} → ${lines}`, (t) => {
    const created = create(t, share, () => random);
    created.observe(event(allow()));
    assert.equal(created.lines().length, lines);
  });
}

test('an allowed line says by which credential and who; a payment always has one', (t) => {
  const { observe, lines } = create(t, 1, () => 0);
  const attributes = { subject: 'john', scopes: [], roles: [], claims: { canary: 'canary-claim' } };
  observe(event(allow({ method: 'jwt', issuer: 'users', ...attributes })));
  observe(event(allow({ method: 'api_key', keyId: 'key_1', limits: [], ...attributes })));
  const seen = lines().map((line) => JSON.parse(line));
  assert.deepEqual(
    seen.map(({ event: name, credential, user }) => [name, credential, user]),
    [
      ['allowed', 'jwt', 'john'],
      ['allowed', 'api_key', 'key_1'],
    ],
  );
  assert.ok(!lines().join().includes('canary'));
});

for (const [isRunning, lines] of [
  [false, 1],
  [true, 0],
] as const) {
  test(`where ${isRunning ? 'bought time runs, nothing is paid and' : 'something is paid, in any case'} ${lines} line`, (t) => {
    const created = create(t);
    const receipt = { paymentId: 'pay_1', amount: 8, unit: 'sat', balance: 4, isRunning };
    created.observe(event({ ...allow(), receipt } as DecisionEvent['decision']));
    assert.equal(created.lines().length, lines);
  });
}

test('what callers choose is cut to a length', (t) => {
  const { observe, lines } = create(t, 1, () => 0);
  const long = 'x'.repeat(20_000);
  const causes: Refusal[] = [refuse('invalid_token', long, { cause: new Error(long) })];
  for (const refusal of causes)
    observe(event(deny(refusal), { request: { ...request, path: `/${long}`, host: long } }));
  observe(event(allow({ method: 'jwt', issuer: 'users', subject: long, scopes: [], roles: [], claims: {} })));
  for (const line of lines()) assert.ok(line.length < 2_000, `${line.length}`);
});

test('a parser’s error is told by its name alone, for it quotes what it read', (t) => {
  const { observe, only } = create(t);
  let cause: unknown;
  try {
    JSON.parse('{"secret":"canary"');
  } catch (error) {
    cause = error;
  }
  observe(event(deny(refuse('malformed_payment', 'x', { cause }))));
  assert.equal(only()['cause'], 'SyntaxError');
});

test('whatever callers choose, a line is one line of JSON', (t) => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\n', '\u001b[2J', '\ud800', '"}', '\u2028', '{"level":"fatal"}\n'),
  );
  const { observe, lines } = create(t, 1, () => 0);
  let count = 0;
  fc.assert(
    fc.property(text, text, text, text, (path, host, subject, detail) => {
      observe(
        event(deny(refuse('invalid_token', detail, { cause: new Error(detail) })), {
          requestId: host,
          request: { ...request, path, host },
        }),
      );
      observe(event(allow({ method: 'jwt', issuer: 'users', subject, scopes: [], roles: [], claims: {} })));
      count += 2;
    }),
  );
  assert.equal(lines().length, count);
  for (const line of lines()) assert.equal(typeof JSON.parse(line).event, 'string');
});

test('every decision is counted, by labels of which none is a caller’s choice', async (t) => {
  const { observe, metrics } = create(t);
  observe(event(deny(refuse('invalid_token', 'x'))));
  observe(event(allow()));
  observe(event(allow()));
  const text = await metrics.registry.metrics();
  assert.match(
    text,
    /^sallyport_decisions_total\{rule="orders",dialect="nginx",method="",outcome="invalid_token"\} 1$/m,
  );
  assert.match(
    text,
    /^sallyport_decisions_total\{rule="orders",dialect="nginx",method="anonymous",outcome="allow"\} 2$/m,
  );
  assert.match(text, /^sallyport_decision_duration_seconds_count\{dialect="nginx"\} 3$/m);
});
