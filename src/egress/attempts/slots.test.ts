import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSlots } from './slots.ts';

test('no more than the limit are under way, and those that wait come in the order of their coming', () => {
  const slots = createSlots(2, 3);
  const came: string[] = [];
  assert.ok(slots.take() && slots.take());
  assert.equal(slots.take(), false);
  for (const name of ['a', 'b', 'c']) assert.ok(slots.line(() => came.push(name)));
  assert.equal(
    slots.line(() => came.push('d')),
    undefined,
    'the line is full',
  );
  slots.release();
  slots.release();
  assert.deepEqual(came, ['a', 'b']);
  assert.equal(slots.take(), false, 'a slot that is given on is not free');
  slots.release();
  assert.deepEqual(came, ['a', 'b', 'c']);
  slots.release();
  assert.ok(slots.take());
  slots.release();
  slots.release();
  assert.ok(slots.take() && slots.take());
  assert.equal(slots.take(), false);
});

test('whoever steps out of the line takes no slot with them, and makes room for the next', () => {
  const slots = createSlots(1, 1);
  const came: string[] = [];
  slots.take();
  const step = slots.line(() => came.push('gone'));
  step?.();
  step?.();
  assert.ok(slots.line(() => came.push('next')));
  slots.release();
  assert.deepEqual(came, ['next']);
});

test('the same function may wait twice', () => {
  const slots = createSlots(1, 2);
  let came = 0;
  const onSlot = () => {
    came += 1;
  };
  slots.take();
  slots.line(onSlot);
  slots.line(onSlot);
  slots.release();
  slots.release();
  assert.equal(came, 2);
});
