import { hash } from 'node:crypto';

const MOST_REMEMBERED = 1_000;
const LONGEST_REMEMBERED = 4_096;
const FORGOTTEN_AFTER_MS = 1_000;

/** A key, or a part of a signature. To look up by all of a token would take a hash of all of it, which costs V8 as much as SHA-256. */
const TAIL = 32;

type Known = Readonly<{ credential: string; digest: string }>;

/**
 * SHA-256 of a credential, lower-case hexadecimal. Remembered for a second, in which a hot credential comes thousands of
 * times: to compute it costs a tenth of a decision. What is kept for longer is kept by digest alone.
 */
export const createRecentDigests = (): ((credential: string) => string) => {
  const digests = new Map<string, Known>();

  return (credential) => {
    const tail = credential.slice(-TAIL);
    const known = digests.get(tail);
    if (known?.credential === credential) return known.digest;
    const digest = hash('sha256', credential);
    if (credential.length > LONGEST_REMEMBERED) return digest;
    if (digests.size >= MOST_REMEMBERED) digests.clear();
    if (digests.size === 0) setTimeout(() => digests.clear(), FORGOTTEN_AFTER_MS).unref();
    digests.set(tail, { credential, digest });
    return digest;
  };
};
