import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamFailure } from '../upstream.ts';
import { type Health, healthOfFailure, healthOfStatus, isPassingFailure, isPassingStatus } from './outcome.ts';

const statuses: readonly (readonly [status: number, retryAfterMs: number | undefined, passing: boolean, Health])[] = [
  [200, undefined, false, 'good'],
  [302, undefined, false, 'good'],
  [401, undefined, false, 'good'],
  [429, 0, true, 'good'],
  [429, undefined, false, 'good'],
  [500, undefined, false, 'good'],
  [500, 1_000, false, 'good'],
  [501, undefined, false, 'good'],
  [502, undefined, true, 'bad'],
  [503, undefined, true, 'bad'],
  [504, undefined, true, 'bad'],
  [505, undefined, false, 'good'],
];

for (const [status, retryAfterMs, passing, health] of statuses) {
  const when = retryAfterMs === undefined ? '' : ' that says when';
  test(`${status}${when}: another try ${passing ? 'may help' : 'is not made'}, and the target's health is ${health}`, () => {
    assert.equal(isPassingStatus(status, retryAfterMs), passing);
    assert.equal(healthOfStatus(status), health);
  });
}

const failures: Readonly<Record<UpstreamFailure, readonly [passing: boolean, Health]>> = {
  unreachable: [true, 'bad'],
  reset: [true, 'bad'],
  timeout: [false, 'bad'],
  malformed: [false, 'bad'],
  forbidden_address: [false, 'neither'],
  aborted: [false, 'neither'],
  body: [false, 'neither'],
  internal: [false, 'neither'],
};

for (const failure of [
  'unreachable',
  'reset',
  'timeout',
  'malformed',
  'forbidden_address',
  'aborted',
  'body',
  'internal',
] as const)
  test(`${failure}: another try ${failures[failure][0] ? 'may help' : 'is not made'}`, () =>
    assert.deepEqual([isPassingFailure(failure), healthOfFailure(failure)], failures[failure]));
