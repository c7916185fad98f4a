import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPolicyFiles } from '../../../config/policy-files.ts';
import { folderOf } from './harness.test.ts';
import { runTests } from './test-rules.ts';

const filesOf = (folder: string) => {
  const read = readPolicyFiles(folder);
  assert.ok('files' in read);
  return read.files;
};

const policy = `package a_test
import rego.v1

test_undefined if input.absent
test_false := false
test_same if true
test_same if false
test_true := "yes"
value := 1
value := 2 if data.x == 1
test_conflict if value == 1 with data.x as 1
test_set contains 1
test_function(_) := 1
todo_test_later if false
test_time if time.now_ns() == 1700000000000000000
`;

test('tests pass where they are neither undefined nor false, and say why they do not', async () => {
  const folder = await folderOf({ 'a_test.rego': policy });
  const run = runTests(folder, filesOf(folder), () => 1_700_000_000_000);
  assert.ok('results' in run);
  const file = `${folder}/a_test.rego`;
  assert.deepEqual(
    run.results.map(({ name, line, outcome, message }) => [name, line, outcome, message?.replace(/;.*/, '')]),
    [
      ['data.a_test.test_undefined', 4, 'fail', 'it is undefined'],
      ['data.a_test.test_false', 5, 'fail', 'it is false'],
      ['data.a_test.test_same', 6, 'pass', undefined],
      ['data.a_test.test_same', 7, 'error', `its name is that of ${file}:6: give each its own`],
      ['data.a_test.test_true', 8, 'pass', undefined],
      ['data.a_test.test_conflict', 11, 'error', `${file}:10:1: rule conflicts with rule at ${file}:9:1`],
      ['data.a_test.todo_test_later', 14, 'skipped', undefined],
      ['data.a_test.test_time', 15, 'pass', undefined],
    ],
  );
});

test('policies that cannot be read give their problems', async () => {
  const folder = await folderOf({ 'a.rego': 'package a\n\nx := \n' });
  const run = runTests(folder, filesOf(folder), Date.now);
  assert.ok('problems' in run);
  assert.equal(run.problems.length, 1);
});
