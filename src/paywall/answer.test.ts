import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefusal, refuse } from '../core/refusal.ts';
import { createAnswers } from './answer.ts';

const price = { amount: 8, unit: 'sat', buys: { units: 100, reserve: 30, reportWithinMs: 1_000 } };
const { toStanding } = createAnswers(price, (code, detail = '') => refuse(code, detail));
const spent = { standing: 'exhausted', paymentId: 'pay_1', unit: 'sat' } as const;

for (const [standing, said] of [
  [{ ...spent, balance: 0 }, 'What was paid for is used up.'],
  [{ ...spent, balance: 7 }, 'What was paid for is used up; 7 sat are left, which is too little.'],
  [{ ...spent, balance: 0, unitsLeft: 0 }, 'What was paid for is used up.'],
  [{ ...spent, balance: 0, unitsLeft: 29 }, 'What was paid for is used up; 29 units are left, which is too little.'],
  [
    { ...spent, balance: 7, unitsLeft: 9 },
    'What was paid for is used up; 7 sat and 9 units are left, which is too little.',
  ],
] as const) {
  test(`used up, with ${standing.balance} sat and ${'unitsLeft' in standing ? standing.unitsLeft : 'no'} units`, () => {
    const answer = toStanding(standing, 0);
    assert.ok(isRefusal(answer));
    assert.deepEqual([answer.code, answer.detail], ['credit_exhausted', said]);
  });
}
