/**
 * Idempotency-Key on calls that make a secret (draft-ietf-httpapi-idempotency-key-header). Who did not hear the answer may ask
 * again and be shown the same secret for a day. It is kept sealed (AES-256-GCM) under a key that is in no database: derived
 * from the admin token and the caller's Idempotency-Key, both of which are needed.
 */
import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto';
import type { Secret } from '../core/secret.ts';
import type { MadeBefore, Once } from './key-store.ts';

/** `id`: the Idempotency-Key. `request`: what was asked for, as JSON would carry it. */
export type Repeatable = Readonly<{ id: string; request: unknown }>;

export type Repeats = Readonly<{
  toOnce(repeatable: Repeatable, key: string): Once;
  /** What the first call was answered. `hidden`: it cannot be shown any more. */
  recall(
    repeatable: Repeatable,
    before: MadeBefore,
  ): { recalled: 'key'; key: string } | { recalled: 'hidden' | 'other' };
}>;

const KEPT_MS = 86_400_000;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const digest = (text: string): string => hash('sha256', text);

/** The order in which somebody writes the members of an object says nothing. */
const sorted = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

const requestDigest = ({ request }: Repeatable): string => digest(JSON.stringify(request, sorted));

/** Without a secret nothing is kept that could be shown. */
export const createRepeats = (secret: Secret | undefined, now: () => number): Repeats => {
  const sealingKey = (token: Secret, { id }: Repeatable): Buffer =>
    Buffer.from(hkdfSync('sha256', token.reveal(), digest(`salt ${id}`), 'sallyport api key 1', 32));

  const seal = (repeatable: Repeatable, key: string): string => {
    if (!secret) return '';
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', sealingKey(secret, repeatable), nonce);
    cipher.setAAD(Buffer.from(requestDigest(repeatable)));
    return Buffer.concat([nonce, cipher.update(key, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
  };

  /** Undefined where the admin token is another one meanwhile. */
  const open = (repeatable: Repeatable, sealed: string): string | undefined => {
    const bytes = Buffer.from(sealed, 'base64');
    if (!secret || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', sealingKey(secret, repeatable), bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(requestDigest(repeatable)));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
      return text.toString('utf8');
    } catch {
      return undefined;
    }
  };

  return {
    toOnce(repeatable, key) {
      const nowMs = now();
      const idHash = digest(`id ${repeatable.id}`);
      const requestHash = requestDigest(repeatable);
      return { idHash, requestHash, sealedKey: seal(repeatable, key), nowMs, expiresAt: nowMs + KEPT_MS };
    },

    recall(repeatable, { requestHash, sealedKey }) {
      if (requestDigest(repeatable) !== requestHash) return { recalled: 'other' };
      const key = open(repeatable, sealedKey);
      return key === undefined ? { recalled: 'hidden' } : { recalled: 'key', key };
    },
  };
};
