import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefusal } from '../core/refusal.ts';
import { markCall } from './loop.ts';

/** What the target gets in `CDN-Loop`, or the code of the refusal. */
const mark = (target: object, told?: string): string => {
  const headers = ['Accept', '*/*'];
  const refusal = markCall(target, headers, told);
  if (isRefusal(refusal)) return refusal.code;
  assert.deepEqual(headers.slice(0, 3), ['Accept', '*/*', 'CDN-Loop']);
  return headers[3] ?? assert.fail();
};

test('each target has a mark of its own, the same for every call', () => {
  const [one, other] = [{}, {}];
  assert.match(mark(one), /^sallyport-[0-9a-f]{16}$/);
  assert.equal(mark(one), mark(one));
  assert.notEqual(mark(one), mark(other));
});

test('a call that comes back once more than a service may call itself is refused', () => {
  const target = {};
  const own = mark(target);
  const passed = (times: number) => Array.from({ length: times }, () => own).join(', ');
  for (const times of [1, 2, 3]) assert.equal(mark(target, passed(times)), own);
  for (const times of [4, 5, 100]) assert.equal(mark(target, passed(times)), 'loop_detected');
  assert.notEqual(mark({}, passed(100)), 'loop_detected', 'another target');
});

for (const [what, told] of [
  ['marks of others', 'cloudflare; loops=9, fastly, sallyport-0000000000000000'.repeat(20)],
  ['what is no list', ';;;,,, ,"sallyport'],
  ['nothing', ''],
] as const) {
  test(`${what} are passed over`, () => assert.match(mark({}, told), /^sallyport-/));
}

test('parameters of a mark and spaces around it do not hide it', () => {
  const target = {};
  const own = mark(target);
  assert.equal(mark(target, `a,${own};x=1 ,\t${own} ;y, ${own},${own}`), 'loop_detected');
  assert.equal(mark(target, `${own}x,x${own},${own}.example`.repeat(9)), own);
});
