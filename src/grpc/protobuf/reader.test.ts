import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { eachField, within } from './fields.ts';
import { decodeMessage, MalformedMessage, MessageReader } from './reader.ts';
import { messageField, textField, varintField } from './writer.ts';

const readerOf = (...bytes: number[]) => new MessageReader(Buffer.from(bytes));

const skipAll = (bytes: Buffer) => decodeMessage(bytes, (reader) => eachField(reader, () => reader.skip()) ?? true);

const varints: readonly (readonly [number[], number])[] = [
  [[0x00], 0],
  [[0x7f], 127],
  [[0x80, 0x01], 128],
  [[0x80, 0x00], 0],
  [[0xff, 0xff, 0xff, 0xff, 0x0f], 2 ** 32 - 1],
  [[0x80, 0x80, 0x80, 0x80, 0x10], 2 ** 32],
  [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], 2 ** 53 - 1],
];

for (const [bytes, value] of varints) {
  test(`${Buffer.from(bytes).toString('hex')} reads as ${value}`, () => {
    const reader = readerOf(0x08, ...bytes);
    assert.equal(reader.nextField(), 1);
    assert.equal(reader.varint(), value);
    assert.equal(reader.nextField(), 0);
  });
}

const malformed: readonly (readonly [string, number[]])[] = [
  ['a tag that is cut short', [0x80]],
  ['a number that is cut short', [0x08, 0x80]],
  ['a number of eleven bytes', [0x08, ...Array<number>(10).fill(0x80), 0x01]],
  ['a number of 65 bits', [0x08, ...Array<number>(9).fill(0xff), 0x02]],
  ['field number 0', [0x02, 0x00]],
  ['a field number beyond 2²⁹', [0xf8, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00]],
  ['a length beyond the end', [0x0a, 0x02, 0x61]],
  ['a length of 2⁶⁴ − 1', [0x0a, ...Array<number>(9).fill(0xff), 0x01]],
  ['fixed64 that is cut short', [0x09, 1, 2, 3, 4, 5, 6, 7]],
  ['fixed32 that is cut short', [0x0d, 1, 2, 3]],
  ['a group', [0x0b, 0x0c]],
  ['wire type 6', [0x0e]],
  ['wire type 7', [0x0f]],
];

for (const [title, bytes] of malformed) {
  test(`${title} is malformed`, () => assert.equal(skipAll(Buffer.from(bytes)), undefined));
}

test('a field of another type than asked for is malformed', () => {
  for (const read of ['text', 'latin1', 'enter'] as const) {
    const reader = readerOf(0x08, 0x01);
    reader.nextField();
    assert.throws(() => reader[read](), MalformedMessage);
  }
  const reader = readerOf(0x0a, 0x00);
  reader.nextField();
  assert.throws(() => reader.varint(), MalformedMessage);
});

test('a message does not reach beyond its own end', () => {
  // Field 1 holds two bytes, the first of which says that five follow.
  assert.equal(
    decodeMessage(Buffer.from([0x0a, 0x02, 0x0a, 0x05, 1, 2, 3, 4, 5]), (reader) => {
      reader.nextField();
      return within(reader, () => reader.text());
    }),
    undefined,
  );
});

type Unknown = Readonly<{ field: number; wireType: number }>;

const writeUnknown = (writer: protobuf.Writer, { field, wireType }: Unknown): void => {
  writer.uint32(((field << 3) | wireType) >>> 0);
  if (wireType === 0) writer.uint64(Number.MAX_SAFE_INTEGER);
  else if (wireType === 1) writer.fixed64(1);
  else if (wireType === 2) writer.string('whatever');
  else writer.fixed32(1);
};

test('what protobufjs writes is read, and what nobody asks for is passed over', () => {
  const unknown = fc.record({
    field: fc.integer({ min: 10, max: 2 ** 29 - 1 }),
    wireType: fc.constantFrom(0, 1, 2, 5),
  });
  fc.assert(
    fc.property(fc.array(unknown), fc.nat(), fc.string({ unit: 'binary' }), (others, number, text) => {
      const writer = protobuf.Writer.create();
      for (const other of others) writeUnknown(writer, other);
      writer.uint32((7 << 3) | 0).uint64(number);
      writer.uint32((9 << 3) | 2).string(text);
      const seen: { number?: number; text?: string } = {};
      const reader = new MessageReader(Buffer.from(writer.finish()));
      eachField(reader, (id) => {
        if (id === 7) seen.number = reader.varint();
        else if (id === 9) seen.text = reader.text();
        else reader.skip();
      });
      assert.deepEqual(seen, { number, text: Buffer.from(text).toString() });
    }),
  );
});

test('what we write, protobufjs reads', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.string({ unit: 'grapheme' }), (number, text) => {
      const inner = [varintField(3, number), textField(536_870_911, text)];
      const reader = protobuf.Reader.create(Buffer.from(messageField(2, inner), 'latin1'));
      assert.equal(reader.uint32(), (2 << 3) | 2);
      assert.equal(reader.uint32(), inner.join('').length);
      assert.equal(reader.uint32(), 3 << 3);
      assert.equal(Number(reader.uint64()), number);
      assert.equal(reader.uint32(), ((536_870_911 << 3) | 2) >>> 0);
      assert.equal(reader.string(), text);
      assert.equal(reader.pos, reader.len);
    }),
  );
});

test('whatever bytes come, reading ends, and nothing but MalformedMessage is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      skipAll(Buffer.from(bytes));
    }),
    { numRuns: 2_000 },
  );
});
