import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { House } from './decide.ts';
import { createGate } from './gate.ts';
import { anonymous, type Identity } from './identity.ts';
import { refuse } from './refusal.ts';
import type { AuthRequest, ClientCertificate } from './request.ts';
import type { Check, Rule } from './rule.ts';
import type { Step } from './trace.ts';

const house: House = { apiKeyPrefix: 'sk-', imitates: () => false };
const john: Identity = {
  method: 'api_key',
  keyId: 'key_1',
  limits: [],
  subject: 'john',
  scopes: [],
  roles: [],
  claims: {},
};

const request = (headers: Readonly<Record<string, string>> = {}): AuthRequest => ({
  id: 'r1',
  method: 'GET',
  scheme: 'https',
  host: 'a.example.com',
  path: '/a',
  query: '',
  clientIp: '203.0.113.7',
  header: (name) => headers[name],
  findHeaderName: () => undefined,
});

const label = (name: string, check: Check): Check => Object.assign(check, { label: name });
const denied = refuse('policy_denied', 'no');

const ruleWith = (rest: Partial<Rule> = {}): Rule => ({
  name: 'a',
  identifiers: { api_key: () => ({ outcome: 'identified', identity: john }) },
  acceptsAnonymous: false,
  invite: () => refuse('credential_required', 'Send one.'),
  checks: [label('first', () => undefined), label('second', async () => ({ headers: { A: '1' } }))],
  dress: () => ({ 'X-User-ID': 'john' }),
  passToken: false,
  ...rest,
});

const explain = async (rule: Rule, headers?: Readonly<Record<string, string>>) => {
  const gate = createGate(house, [rule], []);
  const steps: Step[] = [];
  const question = { request: request(headers), ruleName: 'a' };
  const told = await gate.decide(question, 'preview', (step) => steps.push(step));
  const plain = await gate.decide(question, 'preview');
  return { told, plain, steps, parts: steps.map((step) => ('label' in step ? step.label : step.part)) };
};

const key = { 'x-api-key': 'sk-1' };

for (const [what, rule, headers, parts] of [
  ['a request that passes', ruleWith(), key, ['rule', 'identifier', 'first', 'second', 'headers']],
  [
    'a refused check',
    ruleWith({ checks: [label('first', () => denied), label('second', () => undefined)] }),
    key,
    ['rule', 'identifier', 'first'],
  ],
  ['nobody', ruleWith(), {}, ['rule', 'invite']],
  [
    'nobody, with requests left',
    ruleWith({ allowance: () => true }),
    {},
    ['rule', 'allowance', 'first', 'second', 'headers', 'allowance'],
  ],
  [
    'a charge',
    ruleWith({ charge: async () => undefined }),
    key,
    ['rule', 'identifier', 'first', 'second', 'headers', 'charge'],
  ],
  ['anybody', ruleWith({ identifiers: {}, acceptsAnonymous: true }), {}, ['rule', 'first', 'second', 'headers']],
] as const) {
  test(`${what}: every part that is asked is told once, in order, and decides as without it`, async () => {
    const explained = await explain(rule, headers);
    assert.deepEqual(explained.parts, parts);
    assert.deepEqual(explained.told, explained.plain);
  });
}

test('a certificate that identifies is told, and headers are made with it as without a trace', async () => {
  const certificate = { subject: 'CN=orders' } as ClientCertificate;
  const rule = ruleWith({
    identifiers: {},
    identifyByCertificate: () => john,
    dress: (identity, given) => ({ 'X-User-ID': identity.subject, 'X-Client-CN': given?.subject ?? '' }),
  });
  const steps: Step[] = [];
  const question = { request: { ...request(), certificate }, ruleName: 'a' };
  const gate = createGate(house, [rule], []);
  const told = await gate.decide(question, 'preview', (step) => steps.push(step));
  assert.deepEqual(told, await gate.decide(question, 'preview'));
  assert.deepEqual(told.decision.verdict === 'allow' && told.decision.upstream['X-Client-CN'], 'CN=orders');
  assert.deepEqual(steps.at(1), { part: 'certificate', identity: john });
});

test('a step holds no credential', async () => {
  const { steps } = await explain(ruleWith(), { 'x-api-key': 'sk-secret' });
  assert.equal(JSON.stringify(steps).includes('sk-secret'), false);
});

test('a part that throws is denied as ever, after what was told before', async () => {
  const rule = ruleWith({
    checks: [
      label('throws', () => {
        throw new Error('x');
      }),
    ],
  });
  const { told, parts } = await explain(rule, key);
  assert.deepEqual(parts, ['rule', 'identifier']);
  assert.equal(told.decision.verdict === 'deny' && told.decision.refusal.code, 'internal_error');
});

test('without a trace the parts of the rule are asked as they are', async () => {
  const asked: unknown[] = [];
  const rule = ruleWith({ checks: [(...given) => void asked.push(given[1])] });
  await createGate(house, [rule], []).decide({ request: request(key), ruleName: 'a' }, 'enforce');
  assert.deepEqual(asked, [john]);
  assert.notEqual(asked[0], anonymous);
});
