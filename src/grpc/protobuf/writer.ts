/** Writes protobuf's wire format: each function gives one field, and a message is its fields one after another. */

const VARINT = 0;
const LENGTH_DELIMITED = 2;

const varintBytes = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
};

const head = (field: number, length: number): Buffer =>
  Buffer.from([...varintBytes(field * 8 + LENGTH_DELIMITED), ...varintBytes(length)]);

/** `value` is a whole number from 0 to 2⁵³. */
export const varintField = (field: number, value: number): Buffer =>
  Buffer.from([...varintBytes(field * 8 + VARINT), ...varintBytes(value)]);

export const bytesField = (field: number, bytes: Buffer): Buffer => Buffer.concat([head(field, bytes.length), bytes]);

export const textField = (field: number, text: string): Buffer => bytesField(field, Buffer.from(text));

export const messageField = (field: number, fields: readonly Buffer[]): Buffer => {
  const length = fields.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return Buffer.concat([head(field, length), ...fields]);
};

/** An entry of a `map<string, …>`, whose `value` is field 2 of the entry. */
export const mapEntry = (field: number, key: string, value: Buffer): Buffer =>
  messageField(field, [textField(1, key), value]);
