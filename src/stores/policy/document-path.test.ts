import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { documentPath, queryFor } from './document-path.ts';

for (const [query, parts] of [
  ['data.orders.allow', ['orders', 'allow']],
  ['data.orders["v-2"].allow', ['orders', 'v-2', 'allow']],
  ['data["a b"]["\\u0063"]', ['a b', 'c']],
  ['data.a["?x=1#"]', ['a', '?x=1#']],
] as const) {
  test(`${query} is one document`, () => assert.deepEqual(documentPath(query), parts));
}

for (const query of [
  'data',
  'data.',
  'data.orders.allow == true',
  'data.orders.allow; true',
  'data.orders[_]',
  'data.orders[0]',
  'data.a["../b"]',
  'data.a[".."]',
  'data.a[""]',
  'data.a["b/c"]',
  'data.a["b]',
  'dataset.a',
  'input.a',
  ' data.a',
  'data.a ',
]) {
  test(`${JSON.stringify(query)} is no address of one document`, () => assert.equal(documentPath(query), undefined));
}

test('every document has a question that asks for it', () => {
  const part = fc.string({ minLength: 1 }).filter((text) => text !== '.' && text !== '..' && !text.includes('/'));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1 }), (parts) => {
      assert.deepEqual(documentPath(queryFor(parts)), parts);
    }),
  );
});
