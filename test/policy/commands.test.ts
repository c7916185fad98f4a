import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { writePolicies } from '../servers/opa.ts';
import { createWorkdir } from '../servers/workdir.ts';

const { path: directory, remove } = createWorkdir('policy-commands');
after(remove);

const main = join(dirname(dirname(import.meta.dirname)), 'src', 'main.ts');

const run = (args: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'policy', ...args], {
    cwd: directory,
    encoding: 'utf8',
    input,
  });
  return { status, out: stdout.trimEnd().replaceAll(/\(\d+\.\d ms\)/g, '(0 ms)'), err: stderr.trimEnd() };
};

writePolicies(directory, {
  'good/orders.rego': `package orders
import rego.v1

default allow := false
allow if input.user in data.users
result := {"allow": allow, "reasons": ["because"]}
`,
  'good/data.json': '{"users": ["ann"]}',
  'good/orders_test.rego': `package orders_test
import rego.v1
import data.orders

test_ann if orders.allow with input as {"user": "ann"}
test_eve if orders.allow with input as {"user": "eve"}
todo_test_later if false
`,
  'bad/a.rego': 'package a\n\nx := \n',
});
writeFileSync(join(directory, 'sallyport.yaml'), 'policy: { path: good }\n');
writeFileSync(join(directory, 'ann.json'), '{ "user": "ann" }');

test('every test is named with file and line, and one that does not pass fails the command', () => {
  assert.deepEqual(run(['test', 'good']), {
    status: 1,
    out: `good/orders_test.rego:5: data.orders_test.test_ann: PASS (0 ms)
good/orders_test.rego:6: data.orders_test.test_eve: FAIL (0 ms): it is undefined
good/orders_test.rego:7: data.orders_test.todo_test_later: SKIPPED
pass: 1/3, fail: 1/3, skipped: 1/3`,
    err: '',
  });
});

test('without a path the policies of the configuration are tested, as JSON for a program', () => {
  const { tests, ...counts } = JSON.parse(run(['test', '--config', 'sallyport.yaml', '--json']).out);
  assert.deepEqual(counts, { pass: 1, fail: 1, error: 0, skipped: 1 });
  assert.equal(tests[0].line, 5);
});

test('policies that cannot be read are told with file and line', () => {
  const { status, err } = run(['test', 'bad']);
  assert.equal(status, 1);
  assert.match(err, /^bad\/a\.rego:\d+:\d+: /);
});

const asked = (query: string, input: string, ...more: string[]) =>
  run(['eval', '--config', 'sallyport.yaml', '--query', query, '--input', input, ...more], '{"user":"eve"}');

test('an answer is shown with what becomes of the request', () => {
  assert.deepEqual(asked('data.orders.allow', 'ann.json'), {
    status: 0,
    out: 'data.orders.allow = true\nthe request would pass the policy',
    err: '',
  });
});

test('as JSON an answer has its verdict, its reasons and its value', () => {
  const { status, out } = asked('data.orders.result', '-', '--json');
  assert.equal(status, 1);
  assert.deepEqual(JSON.parse(out), {
    query: 'data.orders.result',
    outcome: 'value',
    value: { allow: false, reasons: ['because'] },
    allowed: false,
    refusal: { code: 'policy_denied', status: 403, detail: 'The policy denies the request.' },
    reasons: ['because'],
    audit: {},
  });
});

test('a question of another form is a wrong use', () => {
  const { status, err } = asked('orders.allow', 'ann.json');
  assert.equal(status, 2);
  assert.match(err, /^--query orders\.allow: expected the path of a rule/);
});
