/** A key that seals what is kept: at least 32 bytes, as `openssl rand -base64 32` or `openssl rand -hex 32` writes them. */

const hex = /^(?:[0-9a-f]{2})+$/i;
const base64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

const LEAST_BYTES = 32;

/** Of 32 random bytes some thirty differ; a word repeated, or zeros, do not. */
const LEAST_DIFFERENT_BYTES = 16;

/** Undefined where it is no such key. What could be both is taken as hex. */
export const readEncryptionKey = (text: string): Buffer | undefined => {
  const encoding = hex.test(text) ? 'hex' : 'base64';
  if (encoding === 'base64' && !base64.test(text)) return undefined;
  const bytes = Buffer.from(text, encoding);
  return bytes.length >= LEAST_BYTES && new Set(bytes).size >= LEAST_DIFFERENT_BYTES ? bytes : undefined;
};
