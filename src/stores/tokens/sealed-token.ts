/** A token as it stands in Redis: AES-256-GCM (NIST SP 800-38D), bound to the key under which it is kept. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { TokenKey } from '../../egress/tokens/token-key.ts';
import type { StoredToken } from '../../egress/tokens/token-shelf.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = '1:';

export const sealToken = (token: StoredToken, { id, sealing }: TokenKey): string => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, sealing, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(id));
  const sealed = [nonce, cipher.update(JSON.stringify(token), 'utf8'), cipher.final(), cipher.getAuthTag()];
  return `${VERSION}${Buffer.concat(sealed).toString('base64')}`;
};

const isToken = (value: unknown): value is StoredToken => {
  const { accessToken, obtainedAtMs, expiresAtMs, refreshToken } = Object(value);
  return (
    typeof accessToken === 'string' &&
    Number.isSafeInteger(obtainedAtMs) &&
    Number.isSafeInteger(expiresAtMs) &&
    (refreshToken === undefined || typeof refreshToken === 'string')
  );
};

/** Undefined where it was sealed with another key, or anything of it was changed: then it is as if there were none. */
export const openToken = (text: string, { id, sealing }: TokenKey): StoredToken | undefined => {
  const bytes = Buffer.from(text.startsWith(VERSION) ? text.slice(VERSION.length) : '', 'base64');
  if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, sealing, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(id));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    const token: unknown = JSON.parse(opened);
    return isToken(token) ? token : undefined;
  } catch {
    return undefined;
  }
};
