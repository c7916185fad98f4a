/**
 * Reads protobuf's wire format (protobuf.dev/programming-guides/encoding): what a decoder asks for, and past the rest. It knows no
 * schema and does not recurse, so that nesting costs nothing.
 */

/** The bytes are no message of the kind expected: cut short, a number that is too long, a field of another type. */
export class MalformedMessage extends Error {}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const LONGEST_VARINT = 10;
const GREATEST_FIELD = 2 ** 29 - 1;

export class MessageReader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;
  #wireType = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** The number of the next field of the message that was entered; 0 at its end. */
  nextField(): number {
    if (this.#at === this.#end) return 0;
    const tag = this.#rawVarint();
    this.#wireType = tag % 8;
    const field = (tag - this.#wireType) / 8;
    if (field === 0 || field > GREATEST_FIELD) throw new MalformedMessage('a field number out of range');
    return field;
  }

  /** Goes into a message that is the value of the field. Gives what `leave` wants back. */
  enter(): number {
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  /** An unsigned number; beyond 2⁵³ it is rounded. Negative ones read as 2⁶⁴ less their amount. */
  varint(): number {
    if (this.#wireType !== VARINT) throw new MalformedMessage('a field of another type');
    return this.#rawVarint();
  }

  /** Text, decoded from UTF-8. */
  text(): string {
    return this.#string('utf8');
  }

  /** Bytes as one character each, as Node gives header values. */
  latin1(): string {
    return this.#string('latin1');
  }

  /** Goes past a field that nobody asked for. */
  skip(): void {
    switch (this.#wireType) {
      case VARINT:
        this.#rawVarint();
        return;
      case FIXED64:
        this.#advance(8);
        return;
      case LENGTH_DELIMITED:
        this.#advance(this.#rawVarint());
        return;
      case FIXED32:
        this.#advance(4);
        return;
      default:
        throw new MalformedMessage('a group, or an unknown wire type');
    }
  }

  #string(encoding: 'utf8' | 'latin1'): string {
    const length = this.#length();
    const from = this.#at;
    this.#at = from + length;
    return this.#bytes.toString(encoding, from, this.#at);
  }

  #length(): number {
    if (this.#wireType !== LENGTH_DELIMITED) throw new MalformedMessage('a field of another type');
    const length = this.#rawVarint();
    if (length > this.#end - this.#at) throw new MalformedMessage('cut short');
    return length;
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) throw new MalformedMessage('cut short');
    this.#at += length;
  }

  #rawVarint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 1; count <= LONGEST_VARINT; count++) {
      const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
      if (byte === undefined) throw new MalformedMessage('cut short');
      this.#at += 1;
      if (byte < 0x80) {
        if (count === LONGEST_VARINT && byte > 1) throw new MalformedMessage('a number of more than 64 bits');
        return value + byte * scale;
      }
      value += (byte - 0x80) * scale;
      scale *= 0x80;
    }
    throw new MalformedMessage('a number of more than 64 bits');
  }
}

/** What `decode` makes of the bytes, or undefined where they are malformed. */
export const decodeMessage = <T>(bytes: Buffer, decode: (reader: MessageReader) => T): T | undefined => {
  try {
    return decode(new MessageReader(bytes));
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined;
    throw error;
  }
};
