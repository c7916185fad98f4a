import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthRequest } from '../core/request.ts';
import type { Intent } from '../core/rule.ts';
import { createMemoryRateLimiter } from '../stores/memory/rate-limiter.ts';
import { createAllowance } from './allowance.ts';

const DAY_MS = 86_400_000;

const counting = () => {
  const clock = { nowMs: 0 };
  const limiter = createMemoryRateLimiter(() => clock.nowMs);
  const allowances = new Map(
    ['premium', 'other'].map((rule) => [rule, createAllowance(rule, { limit: 2, windowMs: DAY_MS }, limiter)]),
  );
  const ask = (clientIp: string, rule = 'premium', intent: Intent = 'enforce') =>
    allowances.get(rule)?.({ clientIp } as AuthRequest, intent);
  return { clock, ask };
};

test('each address has its own, on each rule, and more after the time has passed', () => {
  const { clock, ask } = counting();
  const one = '203.0.113.7';
  assert.deepEqual([ask(one), ask(one), ask(one)], [true, true, false]);
  assert.deepEqual([ask('203.0.113.8'), ask(one, 'other')], [true, true]);
  clock.nowMs += DAY_MS - 1;
  assert.equal(ask(one), false);
  clock.nowMs += DAY_MS;
  assert.deepEqual([ask(one), ask(one), ask(one)], [true, true, false]);
});

test('a preview takes none', () => {
  const { ask } = counting();
  const one = '203.0.113.7';
  for (let count = 0; count < 5; count++) assert.equal(ask(one, 'premium', 'preview'), true);
  assert.deepEqual([ask(one), ask(one), ask(one, 'premium', 'preview')], [true, true, false]);
});

test('the addresses of one IPv6 customer are one caller', () => {
  const { ask } = counting();
  assert.deepEqual([ask('2001:db8::1'), ask('2001:db8::2'), ask('2001:db8::3')], [true, true, false]);
  assert.equal(ask('2001:db8:0:1::1'), true);
});

test('a caller whose address is not known has none', () => {
  const { ask } = counting();
  assert.equal(ask(''), false);
});
