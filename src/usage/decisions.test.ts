import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Decision, deny } from '../core/decision.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import { anonymous, type Identity } from '../core/identity.ts';
import { refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { createDecisionUsage } from './decisions.ts';
import { writeUsageLine } from './usage-line.ts';

const open = () => {
  const lines: string[] = [];
  const decided = createDecisionUsage({
    prefix: 'p',
    isBillable: () => true,
    except: new Set(['page']),
    now: () => 1_000,
    recorder: { recordLine: (line) => lines.push(line), isEmpty: () => true },
  });
  return { lines, decided };
};

const requestOf = (method: string, host: string, path: string): AuthRequest => ({
  id: 'r',
  method,
  scheme: 'https',
  host,
  path,
  query: 'token=secret',
  clientIp: '',
  header: () => 'secret',
  findHeaderName: () => undefined,
});

const allowed = (identity: Identity): Decision => ({
  verdict: 'allow',
  identity,
  upstream: {},
  client: {},
  remove: [],
});

const eventOf = (
  decision: Decision,
  request: AuthRequest | undefined,
  rule = 'api',
  dialect = 'nginx',
): DecisionEvent => ({
  requestId: 'r',
  dialect,
  rule,
  decision,
  request,
  peerIp: '',
  durationMs: 0.5,
});

test('a line of parts says what a whole line would say, whatever is in it', () => {
  const { lines, decided } = open();
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 3_000 }));
  fc.assert(
    fc.property(text, text, text, text, text, text, (keyId, userId, rule, method, host, path) => {
      const attributes = { subject: userId, scopes: [], roles: [], claims: {} };
      const identity: Identity = { method: 'api_key', keyId, limits: [], ...attributes };
      const event = eventOf(allowed(identity), requestOf(method, host, path), rule);
      decided(event);
      decided(event);
      const [first = '', again] = lines.splice(0);
      const [id] = JSON.parse(first);
      const common = { source: 'decision', atMs: 1_000, keyId, userId, rule, method, host, path, status: 200 } as const;
      assert.equal(first, writeUsageLine({ id, ...common, requestBytes: 0, responseBytes: 0, durationMs: 0.5 }, true));
      assert.notEqual(again, first, 'each has an id of its own');
    }),
  );
});

test('what was refused, could not be read, or let no request through is nobody’s usage', () => {
  const { lines, decided } = open();
  const request = requestOf('GET', 'a', '/');
  decided(eventOf(deny(refuse('no_rule', 'none')), request));
  decided(eventOf(allowed(anonymous), undefined));
  decided(eventOf(allowed(anonymous), request, 'api', 'page'));
  assert.deepEqual(lines, []);
  decided(eventOf(allowed(anonymous), request));
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines.join(''), /secret/);
});
