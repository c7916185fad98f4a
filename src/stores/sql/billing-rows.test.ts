import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { identifierOf } from './billing-rows.ts';

const named = fc.record({
  customer: fc.string({ minLength: 1, maxLength: 255 }),
  meter: fc.string({ minLength: 1, maxLength: 100 }),
  windowStartMs: fc.integer({ min: 0, max: 253_402_300_799_999 }),
  windowMs: fc.integer({ min: 60_000, max: 86_400_000 }),
  sequence: fc.integer({ min: 1, max: 1_000_000_000 }),
});

test('an identifier is the same for the same, and fits Stripe: at most 100 plain characters', () => {
  fc.assert(
    fc.property(fc.string(), named, (installation, event) => {
      const identifier = identifierOf(installation, event);
      assert.match(identifier, /^sp_\d{8}T\d{6}Z_\d+_[0-9a-f]{40}$/);
      assert.ok(identifier.length <= 100);
      assert.equal(identifierOf(installation, { ...event }), identifier);
    }),
  );
});

test('whatever differs, the identifier does', () => {
  const event = { customer: 'a', meter: 'bc', windowStartMs: 0, windowMs: 60_000, sequence: 1 };
  const others = [
    identifierOf('x', event),
    identifierOf('y', event),
    identifierOf('x', { ...event, customer: 'ab', meter: 'c' }),
    identifierOf('x', { ...event, customer: 'A' }),
    identifierOf('x', { ...event, windowStartMs: 1 }),
    identifierOf('x', { ...event, windowMs: 120_000 }),
    identifierOf('x', { ...event, sequence: 2 }),
  ];
  assert.equal(new Set(others).size, others.length);
});
