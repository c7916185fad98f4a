import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDress } from './dress.ts';
import { createGate } from './gate.ts';
import { requestWith } from './harness.test.ts';
import { parsePathPattern } from './path-pattern.ts';
import { refuse } from './refusal.ts';
import type { Rule } from './rule.ts';

const rule = (name: string): Rule => ({
  name,
  identifiers: {},
  acceptsAnonymous: true,
  invite: () => refuse('credential_required', ''),
  checks: [],
  dress: createDress([], []),
  passToken: false,
});

const request = (path: string) => requestWith({}, path);

const rules = { free: rule('free'), orders: rule('orders'), named: rule('named'), odd: rule('odd') };

const route = (path: string, target: Rule) => {
  const pattern = parsePathPattern(path);
  assert.ok(typeof pattern !== 'string');
  return { path: pattern, target };
};

const gate = createGate({ apiKeyPrefix: 'sk-', imitates: () => false }, Object.values(rules), [
  route('/free/**', rules.free),
  route('/orders/**', rules.orders),
  route('/rule/odd/**', rules.odd),
]);

for (const [title, question, expected] of [
  ['host and path choose', { path: '/free/x' }, 'free'],
  ['nothing matches', { path: '/x' }, 'no_rule'],
  ['a name decides over the path', { path: '/orders/1', ruleName: 'free' }, 'free'],
  ['a name of no rule', { path: '/free/x', ruleName: 'none' }, 'unknown_rule'],
  [
    'a name that a client may have written, of a rule that matches',
    { path: '/free/x', ruleName: 'free', pathIfForged: '/rule/free/free/x' },
    'free',
  ],
  [
    '… of a rule that does not match',
    { path: '/admin', ruleName: 'free', pathIfForged: '/rule/free/admin' },
    'ambiguous_rule',
  ],
  [
    '… of a rule that is reached by name alone',
    { path: '/admin', ruleName: 'named', pathIfForged: '/rule/named/admin' },
    'named',
  ],
  [
    '… where another rule matches what the client may have asked',
    { path: '/free/x', ruleName: 'free', pathIfForged: '/rule/odd/x' },
    'ambiguous_rule',
  ],
] satisfies [string, { path: string; ruleName?: string; pathIfForged?: string }, string][]) {
  test(`the rule for a question: ${title} → ${expected}`, async () => {
    const { path, ...rest } = question;
    const { decision, rule: chosen } = await gate.decide({ request: request(path), ...rest }, 'enforce');
    assert.equal(decision.verdict === 'allow' ? chosen : decision.refusal.code, expected);
  });
}

test('callers are invited by the rule that would decide, although anybody may enter', () => {
  assert.equal(gate.invite({ request: request('/free/x') }).code, 'credential_required');
  assert.equal(gate.invite({ request: request('/x') }).code, 'no_rule');
});
