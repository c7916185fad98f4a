import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineOf } from './harness.test.ts';

/** Each does nothing on the empty input with which policies are loaded. */
const endless: readonly (readonly [does: string, rego: string])[] = [
  ['loops', 'allow if { some i in numbers.range(1, input.n); some j in numbers.range(1, input.n); i + j == -1 }'],
  [
    'builds a list without end',
    'allow if count([[i, j] | some i in numbers.range(1, input.n); some j in numbers.range(1, input.n)]) == 1',
  ],
  ['makes a built-in function multiply without end', 'allow if product(numbers.range(1, input.n)) == 1'],
];

const TIMEOUT_MS = 30;
/** What a processor that others use too may add. */
const SLACK_MS = 400;

for (const [does, rego] of endless) {
  test(`a policy that ${does} is stopped when its time is up, and asked again answers`, async () => {
    const files = { 'a.rego': `package a\n\nallow if input.n == 1\n\n${rego}\n` };
    const engine = await engineOf(files, ['data.a.allow'], { timeoutMs: TIMEOUT_MS });
    for (let round = 0; round < 3; round += 1) {
      const startedMs = performance.now();
      const answer = await engine.evaluate('data.a.allow', '{"n":100000}');
      const tookMs = performance.now() - startedMs;
      assert.deepEqual(answer, { outcome: 'timeout' });
      assert.ok(tookMs < TIMEOUT_MS + SLACK_MS, `${tookMs} ms`);
      assert.deepEqual(await engine.evaluate('data.a.allow', '{"n":1}'), { outcome: 'value', value: true });
    }
  });
}

test('a policy that takes all memory fails, and asked again answers', async () => {
  const files = { 'a.rego': 'package a\n\nallow if input.n == 1\n\nallow if count(numbers.range(1, input.n)) == 0\n' };
  const engine = await engineOf(files, ['data.a.allow']);
  for (let round = 0; round < 3; round += 1) {
    const answer = await engine.evaluate('data.a.allow', '{"n":1000000000}');
    assert.equal(answer.outcome, 'failed');
    assert.deepEqual(await engine.evaluate('data.a.allow', '{"n":1}'), { outcome: 'value', value: true });
  }
});

test('the memory of an engine stays flat', async () => {
  const rego = 'allow if { some role in input.roles; regex.match(sprintf("^%s$", [role]), input.want) }';
  const engine = await engineOf({ 'a.rego': `package a\n\n${rego}\n` }, ['data.a.allow']);
  const ask = (n: number) =>
    engine.evaluate(
      'data.a.allow',
      JSON.stringify({ roles: ['a', 'b', `role-${n % 1_000}`], want: `role-${n % 1_000}` }),
    );
  for (let n = 0; n < 2_000; n += 1) await ask(n);
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 10_000; n += 1) await ask(n);
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 4 * 1024 * 1024, `${grown} bytes more`);
});
