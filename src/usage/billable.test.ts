import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBillable } from './billable.ts';

for (const [statuses, yes, no] of [
  [['2xx'], [200, 204, 299], [199, 300, 404, 0, 2]],
  [
    ['200', '404'],
    [200, 404],
    [201, 400, 4],
  ],
  [
    ['2xx', '304', '5xx'],
    [206, 304, 503],
    [302, 404],
  ],
  [[], [], [200]],
] as const) {
  test(`billable ${statuses.join(', ') || 'nothing'}`, () => {
    const isBillable = createBillable(statuses);
    assert.deepEqual(yes.filter(isBillable), yes);
    assert.deepEqual(no.filter(isBillable), []);
  });
}
