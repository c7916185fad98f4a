/** Takes messages out of the stream they are sent in: a flag, a length of four bytes, the message (gRPC over HTTP/2). */
import type { Bytes } from '../protobuf/writer.ts';
import { type Failure, INTERNAL, RESOURCE_EXHAUSTED, UNIMPLEMENTED } from './status.ts';

const PREFIX = 5;

/** Bytes that all calls together may hold of heads, and of messages which have not come whole. */
export type Held = { left: number };

const compressed: Failure = { code: UNIMPLEMENTED, message: 'compressed messages are not taken: send identity' };
const badFlag: Failure = { code: INTERNAL, message: 'the flag before a message is neither 0 nor 1' };
const tooMuchHeld: Failure = { code: RESOURCE_EXHAUSTED, message: 'too much is held of messages that are not whole' };

export class Deframer {
  readonly #maxBytes: number;
  readonly #held: Held;
  #pieces: Buffer[] = [];
  #length = 0;
  /** How many bytes there must be before it is worth looking at them. */
  #needed = PREFIX;

  constructor(maxBytes: number, held: Held) {
    this.#maxBytes = maxBytes;
    this.#held = held;
  }

  /** Whether nothing is left of a message that has begun. */
  get isWhole(): boolean {
    return this.#length === 0;
  }

  /** The messages that are whole with this piece, or why the call must end. Nothing may be pushed after that. */
  push(piece: Buffer): readonly Buffer[] | Failure {
    this.#add(piece);
    // A large message comes in hundreds of pieces, which are joined once.
    const messages = this.#length >= this.#needed ? this.#split(this.#takeAll()) : [];
    return this.#length > 0 && this.#held.left < 0 ? tooMuchHeld : messages;
  }

  /** Gives back what is held. To be called at the end of a call, however it ends. */
  close(): void {
    this.#takeAll();
  }

  #split(bytes: Buffer): readonly Buffer[] | Failure {
    const messages: Buffer[] = [];
    let at = 0;
    this.#needed = PREFIX;
    while (bytes.length - at >= PREFIX) {
      const length = this.#lengthAt(bytes, at);
      if (typeof length === 'object') return length;
      if (bytes.length - at < PREFIX + length) {
        this.#needed = PREFIX + length;
        break;
      }
      messages.push(bytes.subarray(at + PREFIX, at + PREFIX + length));
      at += PREFIX + length;
    }
    if (at < bytes.length) this.#add(bytes.subarray(at));
    return messages;
  }

  #lengthAt(bytes: Buffer, at: number): number | Failure {
    const flag = bytes[at];
    if (flag !== 0) return flag === 1 ? compressed : badFlag;
    const length = bytes.readUInt32BE(at + 1);
    return length > this.#maxBytes
      ? { code: RESOURCE_EXHAUSTED, message: `a message of ${length} bytes; at most ${this.#maxBytes} are taken` }
      : length;
  }

  #add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    this.#held.left -= piece.length;
  }

  #takeAll(): Buffer {
    const [only, ...more] = this.#pieces;
    const bytes = only && more.length === 0 ? only : Buffer.concat(this.#pieces);
    this.#held.left += this.#length;
    this.#pieces = [];
    this.#length = 0;
    return bytes;
  }
}

/** A message as it is sent, never compressed. */
export const frame = (fields: readonly Bytes[]): Buffer => {
  const message = fields.join('');
  const framed = Buffer.allocUnsafe(PREFIX + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.write(message, PREFIX, 'latin1');
  return framed;
};
