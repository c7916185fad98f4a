import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJitter, createRestingMints } from './resting-mints.ts';

const open = () => {
  const told: string[] = [];
  let nowMs = 0;
  const mints = createRestingMints({
    now: () => nowMs,
    jittered: createJitter(() => 0.5),
    onStranded: (mint) => told.push(mint),
  });
  return {
    ...mints,
    told,
    at: (ms: number) => {
      nowMs = ms;
    },
  };
};

test('a mint rests for five seconds, and again from when it is told to', () => {
  const { rest, isResting, all, at } = open();
  rest('a');
  at(4_999);
  assert.deepEqual([isResting('a'), isResting('b'), all()], [true, false, ['a']]);
  at(5_000);
  assert.deepEqual([isResting('a'), all()], [false, []]);
  rest('a');
  at(9_999);
  assert.deepEqual(all(), ['a']);
});

test('a mint that is not accepted any more is told of once, and nobody need ask for it again', () => {
  const { strand, rest, isResting, all, at, told } = open();
  assert.deepEqual([strand('gone'), strand('gone')], [true, false]);
  rest('a');
  assert.deepEqual(all(), ['a', 'gone']);
  at(5_000);
  assert.deepEqual([all(), isResting('gone')], [['gone'], false]);
  assert.deepEqual(told, ['gone']);
});

test('processes that start together do not ask together', () => {
  assert.deepEqual(
    [0, 0.5, 1].map((random) => createJitter(() => random)(100)),
    [50, 100, 150],
  );
});
