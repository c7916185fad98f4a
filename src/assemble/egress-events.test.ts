import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { load } from '../config/harness.test.ts';
import { refuse } from '../core/refusal.ts';
import type { EgressEvent } from '../egress/egress-event.ts';
import { createEgressEvents } from './egress-events.ts';

const yaml = `
egress:
  targets:
    stripe: { url: https://api.stripe.com/v1, auth: { type: bearer, token: canary-token } }
    paypal:
      url: https://api.paypal.com
      auth: { type: oauth2_client_credentials, token_url: https://api.paypal.com/t, client_id: a, client_secret: b }
    slack: { url: https://hooks.slack.com/services }
    open: { url: https://open.example, audit_path: full }
    shut: { url: https://shut.example, auth: { type: bearer, token: canary-token }, audit_path: prefix }
  routes:
    - { path_prefix: /ext/stripe, target: stripe }
    - { path_prefix: /ext/slack, target: slack }
    - { path_prefix: /ext/shut/, target: shut }
`;

const scene = (level = 'info') => {
  const lines: Record<string, unknown>[] = [];
  const registry = new Registry();
  const logger = pino({ level, base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const events = createEgressEvents(registry, logger);
  const { egress } = load(yaml).config;
  assert.ok(egress);
  return { events: { ...events, called: events.of(egress) }, lines, metrics: () => registry.metrics() };
};

const call: EgressEvent = {
  requestId: 'r1',
  target: 'stripe',
  method: 'POST',
  path: '/ext/stripe/charges',
  status: 200,
  durationMs: 12.3456,
  attempts: 1,
  caller: 'jwt:zone/orders',
  credentialVersion: 'v1',
};

test('every call is a line with all that an auditor asks for, whatever else is logged', () => {
  const { events, lines } = scene('fatal');
  events.called(call);
  const [line = {}] = lines;
  const { time, level, msg, ...rest } = line;
  assert.equal(typeof time, 'number');
  assert.deepEqual([level, msg], [30, 'called']);
  assert.deepEqual(rest, {
    event: 'egress',
    request_id: 'r1',
    caller: 'jwt:zone/orders',
    target: 'stripe',
    method: 'POST',
    path: '/ext/stripe/charges',
    status: 200,
    duration_ms: 12.346,
    attempts: 1,
    credential_version: 'v1',
  });
});

test('paths are shown, but not where the secret may stand in them', () => {
  const { events, lines } = scene();
  for (const [target, path] of [
    ['stripe', '/ext/stripe/charges'],
    ['slack', '/ext/slack/T0/B0/canary'],
    ['open', '/a/b/c'],
    ['shut', '/ext/shut/canary'],
  ] as const)
    events.called({ ...call, target, path });
  assert.deepEqual(
    lines.map(({ path }) => path),
    ['/ext/stripe/charges', '/ext/slack/…', '/a/b/c', '/ext/shut/…'],
  );
});

test('calls are counted by the names that dashboards know, and a method that nobody knows is one of the others', async () => {
  const { events, metrics } = scene();
  events.called(call);
  events.called({ ...call, method: 'CANARY', status: 502, error: 'unreachable', cause: new Error('ECONNREFUSED') });
  events.called({ ...call, target: '', status: 404, error: 'no_route', attempts: 0 });
  events.onRefresh('paypal', 'ok');
  events.onRefresh('paypal', 'error', new Error('503'));
  events.onCacheHit('paypal');
  const text = await metrics();
  for (const line of [
    'egress_requests_total{target="stripe",method="POST",status="200"} 1',
    'egress_requests_total{target="stripe",method="other",status="502"} 1',
    'egress_requests_total{target="",method="POST",status="404"} 1',
    'egress_errors_total{target="stripe",error_type="unreachable"} 1',
    'egress_errors_total{target="",error_type="no_route"} 1',
    'egress_request_duration_seconds_bucket{le="0.025",target="stripe"} 2',
    'egress_request_duration_seconds_count{target="stripe"} 2',
    'egress_credential_refresh_total{target="paypal",status="ok"} 1',
    'egress_credential_refresh_total{target="paypal",status="error"} 1',
    'egress_credential_cache_hits{target="paypal"} 1',
  ])
    assert.ok(text.includes(`${line}\n`), `${line} is not in\n${text}`);
  assert.doesNotMatch(text, /CANARY/);
});

test('what never failed is a zero, so that its first failure is an increase', async () => {
  const { metrics } = scene();
  const text = await metrics();
  assert.match(text, /egress_credential_refresh_total\{target="paypal",status="error"\} 0/);
  assert.match(text, /egress_errors_total\{target="stripe",error_type="unreachable"\} 0/);
  assert.doesNotMatch(text, /egress_credential_refresh_total\{target="stripe"/);
});

test('a call that failed is a warning, and of its cause no more is told than name and message', () => {
  const { events, lines } = scene();
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { headers: 'canary' });
  events.called({ ...call, status: 502, error: 'unreachable', cause });
  events.called({ ...call, status: 502, error: 'credential', cause: new SyntaxError('unexpected canary') });
  events.called({ ...call, status: 403, error: 'caller' });
  assert.deepEqual(
    lines.map(({ level, error, cause: told }) => [level, error, told]),
    [
      [40, 'unreachable', 'Error: connect ECONNREFUSED'],
      [40, 'credential', 'SyntaxError'],
      [30, 'caller', undefined],
    ],
  );
});

test('a caller who would be refused is told of once in a while, and counted each time', async () => {
  const { events, lines, metrics } = scene();
  const refusal = refuse('caller_refused', 'no');
  for (let round = 0; round < 3; round++) events.callerReported('stripe', '10.0.0.1', refusal);
  events.callerReported('stripe', '10.0.0.2', refusal);
  assert.deepEqual(
    lines.map(({ event, caller, code }) => [event, caller, code]),
    [
      ['egress_caller_reported', '10.0.0.1', 'caller_refused'],
      ['egress_caller_reported', '10.0.0.2', 'caller_refused'],
    ],
  );
  assert.match(await metrics(), /egress_callers_reported_total\{target="stripe",code="caller_refused"\} 4/);
});

test('a target that fails is one line and not one for each call, and retries are counted', async () => {
  const { events, lines, metrics } = scene();
  events.called({ ...call, attempts: 3 });
  events.onBreaker('stripe', 'open');
  events.onBreaker('stripe', 'half_open');
  events.onBreaker('stripe', 'closed');
  events.onCertificatesKept('stripe', new Error('key values mismatch'));
  assert.deepEqual(
    lines.slice(1).map(({ event, level, target }) => [event, level, target]),
    [
      ['egress_breaker', 50, 'stripe'],
      ['egress_breaker', 30, 'stripe'],
      ['certificates_kept', 50, 'stripe'],
    ],
  );
  const text = await metrics();
  assert.match(text, /egress_retries_total\{target="stripe"\} 2/);
  for (const state of ['open', 'half_open', 'closed'])
    assert.ok(text.includes(`egress_breaker_turns_total{target="stripe",state="${state}"} 1`), text);
});
