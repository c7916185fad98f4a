import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Deframer, frame } from './deframer.ts';
import { INTERNAL, isFailure, RESOURCE_EXHAUSTED, UNIMPLEMENTED } from './status.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));

const cut = (whole: Buffer, places: readonly number[]): Buffer[] => {
  const at = [...new Set([0, ...places.map((place) => place % (whole.length + 1)), whole.length])].sort(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, index) => whole.subarray(at[index], end));
};

test('however a stream is cut into pieces, its messages are the same', () => {
  fc.assert(
    fc.property(fc.array(bytes), fc.array(fc.nat({ max: 1_000 })), (messages, places) => {
      const held = { left: 1_000_000 };
      const deframer = new Deframer(40, held);
      const found = cut(Buffer.concat(messages.map((message) => frame([message.toString('latin1')]))), places).flatMap(
        (piece) => {
          const got = deframer.push(piece);
          assert.ok(!isFailure(got));
          return got.map((message) => message.toString('hex'));
        },
      );
      assert.deepEqual(
        found,
        messages.map((message) => message.toString('hex')),
      );
      assert.ok(deframer.isWhole);
      assert.equal(held.left, 1_000_000);
    }),
  );
});

const refused: readonly (readonly [string, number[], number])[] = [
  ['a compressed message', [1, 0, 0, 0, 1, 0], UNIMPLEMENTED],
  ['another flag', [2, 0, 0, 0, 1, 0], INTERNAL],
  ['a message over the limit', [0, 0, 0, 0, 41], RESOURCE_EXHAUSTED],
  ['a length of four gigabytes', [0, 255, 255, 255, 255], RESOURCE_EXHAUSTED],
];

for (const [title, piece, code] of refused) {
  test(`${title} is refused before the rest has come`, () => {
    const got = new Deframer(40, { left: 1_000 }).push(Buffer.from(piece));
    assert.equal(isFailure(got) && got.code, code);
  });
}

test('no more is held in all than allowed, and what a call held is given back at its end', () => {
  const held = { left: 100 };
  const first = new Deframer(1_000, held);
  const second = new Deframer(1_000, held);
  const half = Buffer.concat([Buffer.from([0, 0, 0, 0, 200]), Buffer.alloc(80)]);
  assert.deepEqual(first.push(half), []);
  const got = second.push(half);
  assert.equal(isFailure(got) && got.code, RESOURCE_EXHAUSTED);
  second.close();
  first.close();
  assert.equal(held.left, 100);
});

test('a message of a megabyte in pieces of a kilobyte is joined once', () => {
  const message = Buffer.alloc(2 ** 20, 7);
  const deframer = new Deframer(2 ** 20, { left: 2 ** 22 });
  const whole = frame([message.toString('latin1')]);
  let found: readonly Buffer[] = [];
  for (let at = 0; at < whole.length; at += 1_024) {
    const got = deframer.push(whole.subarray(at, at + 1_024));
    assert.ok(!isFailure(got));
    found = got;
  }
  assert.ok(found[0]?.equals(message));
});
