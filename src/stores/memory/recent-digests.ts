import { hash } from 'node:crypto';

const MOST_REMEMBERED = 1_000;
const LONGEST_REMEMBERED = 4_096;
const FORGOTTEN_AFTER_MS = 1_000;

/**
 * SHA-256 of a credential, lower-case hexadecimal. Remembered for a second, in which a hot credential comes thousands of
 * times: to compute it costs a tenth of a decision. What is kept for longer is kept by digest alone.
 */
export const createRecentDigests = (): ((credential: string) => string) => {
  const digests = new Map<string, string>();

  return (credential) => {
    const known = digests.get(credential);
    if (known !== undefined) return known;
    const digest = hash('sha256', credential);
    if (credential.length > LONGEST_REMEMBERED) return digest;
    if (digests.size >= MOST_REMEMBERED) digests.clear();
    if (digests.size === 0) setTimeout(() => digests.clear(), FORGOTTEN_AFTER_MS).unref();
    digests.set(credential, digest);
    return digest;
  };
};
