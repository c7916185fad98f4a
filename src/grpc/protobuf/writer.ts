/**
 * Writes protobuf's wire format: each function gives one field, and a message is its fields one after another. Bytes are kept as
 * strings of one character each until they are sent: to put those together costs a fraction of what it does for buffers.
 */
export type Bytes = string;

const VARINT = 0;
const LENGTH_DELIMITED = 2;

const varint = (value: number): Bytes => {
  let bytes = '';
  let rest = value;
  while (rest >= 0x80) {
    bytes += String.fromCharCode((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return bytes + String.fromCharCode(rest);
};

const beyondAscii = /[^\p{ASCII}]/u;

const utf8 = (text: string): Bytes => (beyondAscii.test(text) ? Buffer.from(text).toString('latin1') : text);

/** `value` is a whole number from 0 to 2⁵³. */
export const varintField = (field: number, value: number): Bytes => varint(field * 8 + VARINT) + varint(value);

export const bytesField = (field: number, bytes: Bytes): Bytes =>
  varint(field * 8 + LENGTH_DELIMITED) + varint(bytes.length) + bytes;

export const textField = (field: number, text: string): Bytes => bytesField(field, utf8(text));

export const messageField = (field: number, fields: readonly Bytes[]): Bytes => bytesField(field, fields.join(''));

/** An entry of a `map<string, …>`, whose `value` is field 2 of the entry. */
export const mapEntry = (field: number, key: string, value: Bytes): Bytes =>
  bytesField(field, textField(1, key) + value);
