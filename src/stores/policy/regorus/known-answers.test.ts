import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputParts, PolicyAnswer } from '../../../checks/policy-engine.ts';
import { createKnownAnswers } from './known-answers.ts';
import { loadRegorus } from './regorus.ts';

const partsOf = (one: number, other: number): InputParts => [
  { id: one, members: '"identity":{}' },
  { id: other, members: '"mtls":{}' },
];

const createAsked = (answer: PolicyAnswer = { outcome: 'value', value: true }) => {
  const known = createKnownAnswers();
  let asked = 0;
  const ask = () => {
    asked += 1;
    return answer;
  };
  return {
    to: (query: number, own: string, one: number, other: number) => known.to(query, own, partsOf(one, other), ask),
    asked: () => asked,
  };
};

test('the same question is asked once, and any other for itself', () => {
  const { to, asked } = createAsked();
  const questions: readonly (readonly [number, string, number, number])[] = [
    [0, '"request":{"path":"/a"}', 1, 2],
    [1, '"request":{"path":"/a"}', 1, 2],
    [0, '"request":{"path":"/b"}', 1, 2],
    [0, '"request":{"path":"/a"}', 11, 2],
    [0, '"request":{"path":"/a"}', 1, 12],
    [0, '', 1, 2],
  ];
  for (let round = 0; round < 3; round++) for (const question of questions) to(...question);
  assert.equal(asked(), questions.length);
});

for (const outcome of ['timeout', 'failed'] as const)
  test(`${outcome} is no answer to be kept`, () => {
    const { to, asked } = createAsked(outcome === 'failed' ? { outcome, cause: undefined } : { outcome });
    for (let round = 0; round < 3; round++) to(0, '', 1, 2);
    assert.equal(asked(), 3);
  });

test('what is remembered is bounded in number and length', () => {
  const { to, asked } = createAsked();
  for (let round = 0; round < 2; round++) for (let index = 0; index < 5_000; index++) to(0, `${index}`, 1, 2);
  assert.ok(asked() > 8_000);
  const long = createAsked();
  for (let round = 0; round < 2; round++) long.to(0, 'x'.repeat(10_000), 1, 2);
  assert.equal(long.asked(), 2);
});

// biome-ignore format: a table is read by its columns
const clocks: readonly (readonly [how: string, rule: string])[] = [
  ['plainly',              'allow if input.token.exp > time.now_ns() / 1000000000'],
  ['in another rule',      'allow if input.token.exp > now\nnow := time.now_ns() / 1000000000'],
  ['in a function',        'allow if input.token.exp > now("s")\nnow(unit) := time.now_ns() / 1000000000 if unit == "s"'],
];

for (const [how, rule] of clocks)
  test(`a policy that reads the clock ${how} is asked each time`, () => {
    let nowMs = 0;
    const loaded = loadRegorus({
      path: '/policies',
      files: { 'a.rego': `package a\ndefault allow := false\n${rule}\n` },
      queries: ['data.a.allow'],
      timeoutMs: 1_000,
      now: () => nowMs,
    });
    assert.ok('engine' in loaded);
    const parts: InputParts = [
      { id: 1, members: '"token":{"exp":100}' },
      { id: 2, members: '"mtls":{}' },
    ];
    for (const [atMs, value] of [
      [99_000, true],
      [99_000, true],
      [101_000, false],
      [50_000, true],
    ] as const) {
      nowMs = atMs;
      assert.deepEqual(loaded.engine.evaluateParts?.('data.a.allow', '', parts), { outcome: 'value', value });
    }
  });
