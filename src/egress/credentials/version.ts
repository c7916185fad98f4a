/** Versions of credentials: the same for the same secret, another for another, and no help in guessing it. */
import { createHmac } from 'node:crypto';

export type VersionOf = (...parts: readonly (string | undefined)[]) => string;

const CHARACTERS = 16;

/**
 * A plain digest would let whoever reads the log try passwords against it; this one needs `key` too. Each part is taken
 * with its length, so that no two lists of parts are one text.
 */
export const createVersionOf =
  (key: Buffer): VersionOf =>
  (...parts) => {
    const hmac = createHmac('sha256', key);
    for (const part of parts) hmac.update(part === undefined ? '-' : `${Buffer.byteLength(part)}:${part}`);
    return hmac.digest('base64url').slice(0, CHARACTERS);
  };
