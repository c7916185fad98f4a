import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOpa } from '../../../../test/servers/opa.ts';
import { needs } from '../../../../test/servers/programs.ts';
import { sprintf } from './sprintf.ts';

// biome-ignore format: a table is read by its columns
const cases: readonly (readonly [template: string, values: readonly unknown[]])[] = [
  ['%v and %v', ['a', 3]], ['%s', ['é']], ['%5s|%-5s|', ['ab', 'ab']], ['%.2s', ['abc']], ['%.2v', ['abc']],
  ['%d', [12]], ['%5d|%-5d|%05d|%+d', [12, 12, -12, 12]], ['% d', [7]], ['%d', ['x']], ['%d', [1.5]], ['%d', [true]],
  ['%s', [5]], ['%s', [true]], ['%s', [null]], ['%v', [null]], ['%v', [[1, 'a', null, [true]]]], ['%v', [{ b: 1, a: [2] }]],
  ['%s', [{ a: 'q"' }]], ['%v', [1.5]], ['%v', [0.00001]], ['%v', [0.0001]], ['%v', [123456789.25]], ['%v', [-0.5]], ['%v', [999999.5]],
  ['%v', [1234567.5]], ['%v', [10n ** 18n + 1n]], ['%v', [[2n ** 60n]]], ['%s', [2n ** 60n]],
  ['%f', [1.5]], ['%.2f', [2.345]], ['%8.2f|%-8.2f|%08.2f', [3.25159, 3.25159, -3.25159]], ['%.0f', [2.5]], ['%.0f', [3.5]], ['%.1f', [-0.25]],
  ['%.1f', [0.75]], ['%.2f', [1.005]], ['%f', [3]], ['%f', ['x']],
  ['%q', ['say "hi"']], ['100%%', []], ['%v', []], ['%v %v', [1]], ['none', [1, 'x']], ['%', []], ['a %', [1]],
  ['%05s', ['ab']], ['%05v', ['ab']], ['%+v', [-3]], ['%+v', [3]], ['%5v|', [1.5]],
];

const regoOf = (values: readonly unknown[]): string =>
  `[${values.map((value) => (Array.isArray(value) ? regoOf(value) : typeof value === 'bigint' ? String(value) : JSON.stringify(value))).join(', ')}]`;

const answers = (): readonly (string | undefined)[] => {
  const terms = cases.map(([template, values]) => `sprintf(${JSON.stringify(template)}, ${regoOf(values)})`);
  const output = runOpa(['eval', '--format=json', `[${terms.join(', ')}]`], process.cwd());
  const { result }: { result: [{ expressions: [{ value: string[] }] }] } = JSON.parse(output);
  return result[0].expressions[0].value;
};

test('sprintf writes what that of opa writes', needs('opa'), () => {
  const expected = answers();
  assert.deepEqual(
    cases.map(([template, values]) => [template, values, sprintf(template, values)]),
    cases.map(([template, values], index) => [template, values, expected[index]]),
  );
});

for (const [template, values] of [
  ['%x', [255]],
  ['%t', ['true']],
  ['%q', [3]],
  ['%T', ['x']],
  ['%[1]d', [1]],
  ['%*d', [1, 2]],
  ['%.3d', [1]],
  ['%.3v', [1.5]],
] as const) {
  test(`${template}, which is not known here, is an error and no other text`, () => {
    assert.throws(() => sprintf(template, values), /is not known to this engine/);
  });
}

test('what are no text and no list are undefined, as in opa', () => {
  assert.equal(sprintf(3, []), undefined);
  assert.equal(sprintf('%v', 'x'), undefined);
});
