import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRetryBudget } from './budget.ts';

const setUp = (share: number) => {
  let now = 5_000;
  const budget = createRetryBudget(share, () => now);
  const drain = (): number => {
    let taken = 0;
    while (taken < 10_000 && budget.withdraw()) taken += 1;
    return taken;
  };
  return { budget, drain, pass: (ms: number) => (now += ms) };
};

test('a target that fails every call is asked a fifth more often, not three times as often', () => {
  const { budget, drain } = setUp(0.2);
  drain();
  let retries = 0;
  for (let call = 0; call < 1_000; call += 1) {
    budget.deposit();
    for (let tries = 0; tries < 3; tries += 1) if (budget.withdraw()) retries += 1;
  }
  assert.equal(retries, 200);
});

test('a target with few calls has its ten retries, and one more each second', () => {
  const { drain, pass } = setUp(0.2);
  assert.equal(drain(), 10);
  pass(3_500);
  assert.equal(drain(), 3);
  pass(500);
  assert.equal(drain(), 1);
  pass(86_400_000);
  assert.equal(drain(), 10);
});

test('a busy day does not save up a storm', () => {
  const { budget, drain } = setUp(0.2);
  for (let call = 0; call < 1_000_000; call += 1) budget.deposit();
  assert.equal(drain(), 110);
});
