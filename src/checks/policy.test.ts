import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anonymous } from '../core/identity.ts';
import { isRefusal, type RefusalCode } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { createPolicyCheck, type PolicyCheckOptions } from './policy.ts';
import type { PolicyAnswer } from './policy-engine.ts';

const request: AuthRequest = {
  id: 'r-1',
  method: 'GET',
  scheme: 'https',
  host: 'data.example.com',
  path: '/orders',
  query: '',
  clientIp: '10.0.0.7',
  header: () => undefined,
  findHeaderName: () => undefined,
};

const usual: PolicyCheckOptions = { extract: [], exposeReasons: false, maxInputBytes: 65_536 };

const judge = (answer: PolicyAnswer, options: Partial<PolicyCheckOptions> = {}) => {
  const check = createPolicyCheck('data.a.b', { evaluate: () => answer }, { ...usual, ...options });
  return check(request, anonymous, 'enforce');
};

const value = (given: unknown, options: Partial<PolicyCheckOptions> = {}) =>
  judge({ outcome: 'value', value: given }, options);

// biome-ignore format: a table is read by its columns
const refused: readonly (readonly [what: string, answer: PolicyAnswer, code: RefusalCode])[] = [
  ['no',                       { outcome: 'value', value: false },                             'policy_denied'],
  ['no, as an object',         { outcome: 'value', value: { allow: false } },                  'policy_denied'],
  ['nothing',                  { outcome: 'undefined' },                                       'policy_undefined'],
  ['too late',                 { outcome: 'timeout' },                                         'policy_timeout'],
  ['an error',                 { outcome: 'failed', cause: new Error('x') },                   'policy_failed'],
  ['null',                     { outcome: 'value', value: null },                              'policy_malformed'],
  ['one',                      { outcome: 'value', value: 1 },                                 'policy_malformed'],
  ['the word true',            { outcome: 'value', value: 'true' },                            'policy_malformed'],
  ['a list with true',         { outcome: 'value', value: [true] },                            'policy_malformed'],
  ['an empty object',          { outcome: 'value', value: {} },                                'policy_malformed'],
  ['allow as a word',          { outcome: 'value', value: { allow: 'true' } },                 'policy_malformed'],
  ['allow as a number',        { outcome: 'value', value: { allow: 1 } },                      'policy_malformed'],
  ['reasons as text',          { outcome: 'value', value: { allow: true, reasons: 'x' } },     'policy_malformed'],
  ['reasons that are no text', { outcome: 'value', value: { allow: true, reasons: [1] } },     'policy_malformed'],
  ['reasons that are null',    { outcome: 'value', value: { allow: true, reasons: null } },    'policy_malformed'],
  ['audit as a list',          { outcome: 'value', value: { allow: true, audit: [] } },        'policy_malformed'],
  ['audit as text',            { outcome: 'value', value: { allow: true, audit: 'x' } },       'policy_malformed'],
  ['headers, which it cannot', { outcome: 'value', value: { allow: true, headers: {} } },      'policy_malformed'],
];

for (const [what, answer, code] of refused) {
  test(`a policy that answers ${what} denies with ${code}`, async () => {
    const outcome = await judge(answer);
    assert.ok(isRefusal(outcome));
    assert.equal(outcome.code, code);
  });
}

test('true lets pass, and says nothing', async () => {
  assert.equal(await value(true), undefined);
});

test('an object that allows lets pass, with its findings', async () => {
  assert.deepEqual(await value({ allow: true, reasons: ['is known'], audit: { action: 'read' } }), {
    findings: { reasons: ['is known'], audit: { action: 'read' } },
  });
  assert.deepEqual(await value({ allow: true }), { findings: { reasons: [], audit: {} } });
});

test('the reasons of a refusal are for the audit line, and for the caller only where that is configured', async () => {
  const answer = { allow: false, reasons: ['no role'], audit: { who: 'x' } };
  const hidden = await value(answer);
  const shown = await value(answer, { exposeReasons: true });
  assert.ok(isRefusal(hidden) && isRefusal(shown));
  assert.deepEqual(hidden.findings, { reasons: ['no role'], audit: { who: 'x' } });
  assert.equal(hidden.members, undefined);
  assert.deepEqual(shown.members, { reasons: ['no role'] });
});

test('what is malformed is told to the log without the value', async () => {
  const outcome = await value({ allow: 'cashuBsecret' });
  assert.ok(isRefusal(outcome) && outcome.cause instanceof Error);
  assert.equal(outcome.cause.message, 'data.a.b gives an object whose allow is string instead of a boolean');
});

test('an input that is longer than allowed is refused, and the policy is not asked', async () => {
  const asked: string[] = [];
  const evaluate = (_query: string, input: string): PolicyAnswer => {
    asked.push(input);
    return { outcome: 'value', value: true };
  };
  const long = { ...request, path: `/${'ü'.repeat(300)}` };
  const inputBytes = (maxInputBytes: number) =>
    createPolicyCheck('data.a.b', { evaluate }, { ...usual, maxInputBytes })(long, anonymous, 'enforce');
  assert.equal(await inputBytes(4_096), undefined);
  const length = Buffer.byteLength(asked[0] ?? '');
  assert.equal(await inputBytes(length), undefined);
  const outcome = await inputBytes(length - 1);
  assert.ok(isRefusal(outcome));
  assert.equal(outcome.code, 'policy_failed');
  assert.equal(asked.length, 2);
});

test('an engine on the network is waited for', async () => {
  const check = createPolicyCheck('data.a.b', { evaluate: async () => ({ outcome: 'undefined' }) }, usual);
  const outcome = check(request, anonymous, 'enforce');
  assert.ok(outcome instanceof Promise);
  assert.ok(isRefusal(await outcome));
});

test('what a policy writes into the audit line is bounded in length, number and depth', async () => {
  const deep = (left: number): unknown => (left === 0 ? 'bottom' : { in: deep(left - 1) });
  const outcome = await value({
    allow: true,
    reasons: Array.from({ length: 1_000 }, () => 'r'.repeat(10_000)),
    audit: {
      deep: deep(50),
      long: 'x'.repeat(100_000),
      wide: Array.from({ length: 10_000 }, (_, index) => index),
      ...Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, [1, 2, 3, 4]])),
    },
  });
  assert.ok(outcome && !isRefusal(outcome) && outcome.findings);
  const { reasons, audit } = outcome.findings;
  assert.equal(reasons.length, 32);
  assert.ok(JSON.stringify(outcome.findings).length < 64_000);
  assert.deepEqual(audit['deep'], { in: { in: { in: { in: '…' } } } });
  assert.equal(String(audit['long']).length, 513);
  assert.equal(Array.isArray(audit['wide']) && audit['wide'].length, 64);
});

test('a name that means something to objects stays a plain member', async () => {
  const outcome = await value(JSON.parse('{"allow": true, "audit": {"__proto__": {"polluted": true}}}'));
  assert.ok(outcome && !isRefusal(outcome));
  assert.deepEqual(Object.keys(outcome.findings?.audit ?? {}), ['__proto__']);
  assert.equal(Reflect.get({}, 'polluted'), undefined);
});
