import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonLines } from './json-lines.ts';

async function* stream(chunks: readonly Uint8Array[]) {
  yield* chunks;
}

const read = async (chunks: readonly Uint8Array[]) => {
  const values: unknown[] = [];
  for await (const value of jsonLines(stream(chunks))) values.push(value);
  return values;
};

/** Cuts bytes at these places, in the middle of characters as well. */
const cut = (bytes: Buffer, places: readonly number[]) => {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
};

test('however the bytes come, the same values are read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), fc.array(fc.nat()), async (values, places) => {
      const lines = values.map((value) => `${JSON.stringify(value)}\n`);
      const expected = lines.map((line): unknown => JSON.parse(line));
      assert.deepEqual(await read(cut(Buffer.from(lines.join('')), places)), expected);
    }),
  );
});

test('what is no JSON, and a line without an end, are errors', async () => {
  await assert.rejects(read([Buffer.from('{"a":1}\n<html>\n')]), SyntaxError);
  const piece = Buffer.alloc(1024 * 1024, 'x');
  await assert.rejects(read(Array.from({ length: 5 }, () => piece)), /a line is longer than/);
});

test('a last line that was cut off is left out', async () => {
  assert.deepEqual(await read([Buffer.from('{"a":1}\n{"b":')]), [{ a: 1 }]);
});
