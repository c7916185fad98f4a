import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeoutMsOf } from './deadline.ts';

const cases: readonly (readonly [string | undefined, number | undefined])[] = [
  [undefined, Number.POSITIVE_INFINITY],
  ['1S', 1_000],
  ['10000m', 10_000],
  ['2M', 120_000],
  ['1H', 3_600_000],
  ['500000u', 500],
  ['1n', 0.000_001],
  ['0m', 0],
  ['99999999H', 2 ** 31 - 1],
  ['', undefined],
  ['1', undefined],
  ['S', undefined],
  ['-1S', undefined],
  ['1.5S', undefined],
  ['123456789S', undefined],
  ['1s', undefined],
  ['1S, 2S', undefined],
];

for (const [header, ms] of cases) {
  test(`grpc-timeout ${header === undefined ? 'left out' : `"${header}"`} is ${ms === undefined ? 'refused' : `${ms} ms`}`, () =>
    assert.equal(timeoutMsOf(header), ms));
}
