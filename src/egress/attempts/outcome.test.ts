import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthOf, isPassing, type Outcome } from './outcome.ts';

const answered = (status: number): Outcome => ({ kind: 'answered', status });
const failed = (failure: Extract<Outcome, { kind: 'failed' }>['failure']): Outcome => ({
  kind: 'failed',
  failure,
  isUnsent: false,
});

const cases: readonly (readonly [string, Outcome, number | undefined, boolean, ReturnType<typeof healthOf>])[] = [
  ['200', answered(200), undefined, false, 'good'],
  ['a redirect', answered(302), undefined, false, 'good'],
  ['401', answered(401), undefined, false, 'good'],
  ['429 that says when', answered(429), 0, true, 'good'],
  ['429 that does not say when', answered(429), undefined, false, 'good'],
  ['500, which may be an answer to this call alone', answered(500), undefined, false, 'good'],
  ['500 with Retry-After', answered(500), 1_000, false, 'good'],
  ['501', answered(501), undefined, false, 'good'],
  ['502', answered(502), undefined, true, 'bad'],
  ['503', answered(503), undefined, true, 'bad'],
  ['504', answered(504), undefined, true, 'bad'],
  ['no connection', failed('unreachable'), undefined, true, 'bad'],
  ['a connection that ended', failed('reset'), undefined, true, 'bad'],
  ['what is no HTTP', failed('malformed'), undefined, false, 'bad'],
  ['an address that no call may go to', failed('forbidden_address'), undefined, false, 'neither'],
];

for (const [what, outcome, retryAfterMs, passing, health] of cases)
  test(`${what}: ${passing ? 'another try may help' : 'it is what it is'}, and tells of ${health} health`, () => {
    assert.equal(isPassing(outcome, retryAfterMs), passing);
    assert.equal(healthOf(outcome), health);
  });
