import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCursor, toCursor } from './key-cursor.ts';

const id = fc.string({ unit: fc.constantFrom(...'abcXYZ019_-'), minLength: 1, maxLength: 40 });
const position = fc.record({ createdAt: fc.nat({ max: Number.MAX_SAFE_INTEGER }), id }, { noNullPrototype: true });

test('a cursor is read as it was written, and fits a query as it is', () => {
  fc.assert(
    fc.property(position, (at) => {
      assert.deepEqual(parseCursor(toCursor(at)), at);
      return encodeURIComponent(toCursor(at)) === toCursor(at);
    }),
  );
});

test('what is changed, cut or added to is no cursor, or another position written as we write it', () => {
  fc.assert(
    fc.property(position, fc.string(), fc.nat(60), (at, more, cut) => {
      const cursor = toCursor(at);
      for (const text of [cursor + more, more + cursor, cursor.slice(0, cut), `${cursor}=`]) {
        const parsed = parseCursor(text);
        if (parsed) assert.equal(toCursor(parsed), text);
      }
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const parsed = parseCursor(text);
      return parsed === undefined || toCursor(parsed) === text;
    }),
  );
  for (const text of ['', '.', 'MQ', 'x'.repeat(100_000)]) assert.equal(parseCursor(text), undefined);
});
