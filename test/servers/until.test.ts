import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './until.ts';

test('waiting ends as soon as the condition holds, and errors on the way do not end it', async () => {
  let asked = 0;
  await until('the third time', () => {
    asked += 1;
    if (asked === 1) throw new Error('not yet');
    return asked === 3;
  });
  assert.equal(asked, 3);
});

test('waiting ends at its deadline, with what was waited for and the last error', async () => {
  const never = () => Promise.reject(new Error('still closed'));
  await assert.rejects(until('it opens', never, { deadlineMs: 30 }), (error: Error) => {
    assert.match(error.message, /until it opens/);
    assert.match(String(error.cause), /still closed/);
    return true;
  });
});
