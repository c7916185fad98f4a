import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRepeatRule, type Repeatable } from './repeatable.ts';

type Call = Partial<Parameters<ReturnType<typeof createRepeatRule>>[0]>;

const everyMethod = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH'];
const byDefault = ['GET', 'HEAD', 'OPTIONS'];
const keyed = ['Content-Type', 'application/json', 'Idempotency-Key', 'order-1'];

const cases: readonly (readonly [string, readonly string[], Call, Repeatable])[] = [
  ['a GET', byDefault, { method: 'GET' }, 'as_is'],
  ['a GET with a body', byDefault, { method: 'GET', hasBody: true }, 'buffered'],
  ['a PUT that nobody listed', byDefault, { method: 'PUT', hasBody: true }, 'never'],
  ['a PUT that is listed', everyMethod, { method: 'PUT', hasBody: true }, 'buffered'],
  ['a DELETE that is listed', everyMethod, { method: 'DELETE' }, 'as_is'],
  ['a DELETE that nobody listed', byDefault, { method: 'DELETE' }, 'never'],
  ['a GET that the operator took off the list', ['HEAD'], { method: 'GET' }, 'never'],
  ['a POST, even when it is listed', everyMethod, { method: 'POST', hasBody: true }, 'never'],
  ['a POST without a body, even when it is listed', everyMethod, { method: 'POST' }, 'never'],
  ['a listed POST with a key', everyMethod, { method: 'POST', hasBody: true, headers: keyed }, 'buffered'],
  ['a POST with a key that nobody listed', byDefault, { method: 'POST', hasBody: true, headers: keyed }, 'never'],
  ['a listed PATCH with a key', everyMethod, { method: 'PATCH', hasBody: true, headers: keyed }, 'buffered'],
  ['a listed PATCH', everyMethod, { method: 'PATCH', hasBody: true }, 'never'],
  ['a POST with an empty key', everyMethod, { method: 'POST', headers: ['idempotency-key', ' '] }, 'never'],
  ['a POST with two keys', everyMethod, { method: 'POST', headers: [...keyed, 'idempotency-key', 'x'] }, 'never'],
  [
    'a POST whose key is the value of another header',
    everyMethod,
    { method: 'POST', headers: ['a', 'idempotency-key'] },
    'never',
  ],
  ['an upgrade', byDefault, { method: 'GET', isUpgrade: true }, 'never'],
  ['a method that nobody knows, listed', ['MKCOL'], { method: 'MKCOL' }, 'never'],
];

for (const [what, methods, call, expected] of cases)
  test(`${what} is repeated: ${expected}`, () => {
    const rule = createRepeatRule(methods);
    assert.equal(rule({ method: 'GET', headers: [], hasBody: false, isUpgrade: false, ...call }), expected);
  });
