import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readings } from './readings.ts';

// biome-ignore format: a table is read by its columns
const escapes = [
  '/free/../orders/1', '/free/%2e%2e/orders/1', '/free/%252e%252e/orders/1', '/free/..;/orders/1', '/free/..;a=b/orders/1', '/free/..%3b/orders/1',
  '/free\\..\\orders\\1', '/free/%5c..%5c..%2forders/1', '//orders/1', '/free/%c0%ae%c0%ae/orders/1', '/orders/1%00/free', '/orders/1#/free', '/orders/1%3f/free',
  'http://x/orders/1', '//x/orders/1', '/ord\ters/1', '/%6frders/1', '/x/..%c0%aforders/1',
];

for (const target of escapes) {
  test(`some application reads ${JSON.stringify(target)} as /orders/1`, () => {
    assert.ok(readings(target).has('/orders/1'));
  });
}

for (const target of ['/free/1', '/free/a%20b', '/free/1?x=/../orders/1', '/free/.well-known/x', '/free/a..b/c']) {
  test(`nobody reads ${target} as anything but a free path`, () => {
    assert.deepEqual(
      [...readings(target)].filter((path) => !path.startsWith('/free/')),
      [],
    );
  });
}
