/** The form of an API key: prefix, 256 random bits in base62, CRC-32 of these in base62. */
import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

const base62 = (value: bigint, length: number): string => {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = alphabet[Number(rest % 62n)] + text;
  return text;
};

const checksum = (secret: string): string => base62(BigInt(crc32(secret)), CHECKSUM_LENGTH);

export const generateKey = (prefix: string): string => {
  const secret = base62(BigInt(`0x${randomBytes(32).toString('hex')}`), SECRET_LENGTH);
  return `${prefix}${secret}${checksum(secret)}`;
};

export const generateKeyId = (): string => `key_${base62(BigInt(`0x${randomBytes(16).toString('hex')}`), 22)}`;

/** By length and prefix alone: whether a text is worth a hash. */
export const mayBeKey = (text: string, prefix: string): boolean =>
  text.length === prefix.length + SECRET_LENGTH + CHECKSUM_LENGTH && text.startsWith(prefix);

/** Recognises a mistyped or invented key before anything is looked up. */
export const isWellFormed = (key: string, prefix: string): boolean =>
  mayBeKey(key, prefix) && key.endsWith(checksum(key.slice(prefix.length, prefix.length + SECRET_LENGTH)));

/** Keys have full entropy, so that a fast hash protects them at rest. SHA-256, lower-case hexadecimal. */
export const hashKey = (key: string): string => hash('sha256', key);

/** Enough of a key for its owner to tell it from another: the prefix and four characters. */
export const hintOf = (key: string, prefix: string): string => `${key.slice(0, prefix.length + 4)}…`;
