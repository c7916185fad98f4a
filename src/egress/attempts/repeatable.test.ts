import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRepeatRule } from './repeatable.ts';

const all = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH'];
const byDefault = ['GET', 'HEAD', 'OPTIONS'];
const keyed = ['Content-Type', 'application/json', 'Idempotency-Key', 'order-1'];

const cases: readonly (readonly [
  what: string,
  listed: readonly string[],
  method: string,
  headers: readonly string[],
  repeats: boolean,
])[] = [
  ['a GET', byDefault, 'GET', [], true],
  ['a GET that the operator took off the list', ['HEAD'], 'GET', [], false],
  ['a PUT that nobody listed', byDefault, 'PUT', [], false],
  ['a PUT that nobody listed, with a key', byDefault, 'PUT', keyed, false],
  ['a listed PUT', all, 'PUT', [], true],
  ['a listed DELETE', all, 'DELETE', [], true],
  ['a POST', byDefault, 'POST', [], false],
  ['a POST with a key that nobody listed', byDefault, 'POST', keyed, false],
  ['a listed POST', all, 'POST', [], false],
  ['a listed POST with a key', all, 'POST', keyed, true],
  ['a listed PATCH', all, 'PATCH', [], false],
  ['a listed PATCH with a key', all, 'PATCH', keyed, true],
  ['a listed POST with an empty key', all, 'POST', ['idempotency-key', ' '], false],
  ['a listed POST with two keys', all, 'POST', [...keyed, 'IDEMPOTENCY-KEY', 'order-2'], false],
  ['a listed POST whose key is only the value of a header', all, 'POST', ['a', 'idempotency-key'], false],
  ['a listed method that nobody knows', ['MKCOL'], 'MKCOL', [], false],
];

for (const [what, listed, method, headers, repeats] of cases)
  test(`${what} is ${repeats ? 'repeated' : 'sent once'}`, () =>
    assert.equal(createRepeatRule(listed)(method, headers), repeats));
