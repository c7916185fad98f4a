import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputParts, PolicyAnswer } from '../../../checks/policy-engine.ts';
import { createKnownAnswers } from './known-answers.ts';
import { loadRegorus } from './regorus.ts';
import { createUnchanged } from './unchanged.ts';

const partsOf = (one: number, other: number): InputParts => [
  { id: one, members: '"identity":{}' },
  { id: other, members: '"mtls":{}' },
];

const createAsked = (answer: PolicyAnswer = { outcome: 'value', value: true }) => {
  const known = createKnownAnswers(createUnchanged([]));
  let asked = 0;
  const ask = () => {
    asked += 1;
    return answer;
  };
  return {
    to: (query: number, own: string, one: number, other: number) => known.to(query, own, partsOf(one, other), 0, ask),
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

const exp = 'input.token.exp > time.now_ns() / 1000000000';

// biome-ignore format: a table is read by its columns
const clocks: readonly (readonly [how: string, rule: string])[] = [
  ['plainly',                   `allow if ${exp}`],
  ['the other way round',       'allow if not gone\ngone if input.token.exp < time.now_ns() / 1000000000'],
  ['in another rule',           'allow if input.token.exp > now\nnow := time.now_ns() / 1000000000'],
  ['in a function',             'allow if input.token.exp > now("s")\nnow(unit) := time.now_ns() / 1000000000 if unit == "s"'],
  ['twice',                     `allow if ${exp}\nallow if input.token.from * 1000000000 <= time.now_ns()`],
  ['for a date of its own',     'allow if time.now_ns() < 99500000000'],
  ['for another input',         `allow if late with input as {"token": {"exp": 150}}\nlate if ${exp}`],
  ['for another member of it',  `allow if late with input.token.exp as 150\nlate if ${exp}`],
  ['for what is called so',     `allow if { some input in [{"token": {"exp": 150}}]; ${exp} }`],
  ['for what a caller lacks',   'allow if input.token.until > time.now_ns()'],
  ['for what is no number',     'allow if input.token.sub > time.now_ns()'],
  ['for one of several',        'allow if { some t in input.token.times; t > time.now_ns() / 1000000000 }'],
];

for (const [how, rule] of clocks)
  test(`a policy that reads the clock ${how} answers for each moment as if it were asked anew`, async () => {
    let nowMs = 0;
    const loaded = loadRegorus({
      path: '/policies',
      files: { 'a.rego': `package a\ndefault allow := false\n${rule}\n` },
      queries: ['data.a.allow'],
      timeoutMs: 1_000,
      now: () => nowMs,
    });
    assert.ok('engine' in loaded);
    const { engine } = loaded;
    const parts: InputParts = [
      { id: 1, members: '"token":{"sub":"john","exp":100,"from":120,"times":[98,102]}' },
      { id: 2, members: '"mtls":{}' },
    ];
    const input = `{${parts.map(({ members }) => members).join()}}`;
    for (const seconds of [50, 99, 99.4, 99.6, 99.999, 100, 100.001, 101.5, 130, 119.5, 100.5, 99.5, 98, 200, 50]) {
      nowMs = seconds * 1_000;
      const anew = engine.evaluate('data.a.allow', input);
      assert.deepEqual(engine.evaluateParts?.('data.a.allow', '', parts), anew, `${seconds} s`);
    }
  });

test('an answer that the clock cannot change before a known moment is remembered until shortly before it', () => {
  const unchangedAt = createUnchanged([
    { at: ['token', 'exp'], toMs: 1_000 },
    { at: ['token', 'nbf'], toMs: 1_000 },
  ]);
  const spanAt = (token: object, nowMs: number) =>
    unchangedAt(
      [
        { id: 1, members: `"token":${JSON.stringify(token)}` },
        { id: 2, members: '"mtls":{}' },
      ],
      nowMs,
    );
  assert.deepEqual(spanAt({ nbf: 10, exp: 100 }, 50_000), { fromMs: 11_000, untilMs: 99_000 });
  assert.deepEqual(spanAt({ exp: 100 }, 50_000), { fromMs: Number.NEGATIVE_INFINITY, untilMs: 99_000 });
  assert.deepEqual(spanAt({ exp: '100' }, 150_000), {
    fromMs: Number.NEGATIVE_INFINITY,
    untilMs: Number.POSITIVE_INFINITY,
  });
  for (const nowMs of [99_000, 99_999, 100_000, 100_999]) assert.equal(spanAt({ exp: 100 }, nowMs), undefined);
});

test('a moment that only the request itself could tell makes no answer lasting', () => {
  const unchangedAt = createUnchanged([{ at: ['request', 'path'], toMs: 1 }]);
  assert.equal(unchangedAt(partsOf(1, 2), 5), undefined);
});

test('a remembered answer is given while it lasts, and asked for again before and after', () => {
  const known = createKnownAnswers(() => ({ fromMs: 10, untilMs: 20 }));
  let asked = 0;
  const ask = (): PolicyAnswer => {
    asked += 1;
    return { outcome: 'value', value: true };
  };
  for (const [nowMs, times] of [
    [10, 1],
    [19, 1],
    [20, 2],
    [9, 3],
    [15, 3],
  ] as const) {
    known.to(0, '', partsOf(1, 2), nowMs, ask);
    assert.equal(asked, times, `${nowMs} ms`);
  }
});

test('policies are remembered though their tests lie beside them', () => {
  const rules = `package a\ndefault allow := false\nallow if { input.request.method == "GET"; ${exp} }\n`;
  const tests = 'package a_test\ntest_a if data.a.allow with input as {"at": time.now_ns()}\n';
  const loaded = loadRegorus({
    path: '/policies',
    files: { 'a.rego': rules, 'a_test.rego': tests },
    queries: ['data.a.allow'],
    timeoutMs: 1_000,
    now: () => 0,
  });
  assert.ok('engine' in loaded);
  assert.equal(loaded.engine.reads?.('request', 'path'), false);
  assert.equal(loaded.engine.reads?.('request', 'method'), true);
});
