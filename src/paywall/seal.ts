/**
 * What the ledger keeps secret: proofs, our outputs and the mint's signatures are money for whoever reads them. AES-256-GCM
 * (NIST SP 800-38D) under a key of its own for each payment (HKDF, RFC 5869), so that random nonces never run out; payment
 * and column are authenticated, so that what was sealed in one place does not open in another.
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Where in the ledger a text stands; a token that was exported stands under the export's id. */
export type Place = Readonly<{ paymentId: string; column: 'body' | 'outputs' | 'signatures' | 'secret' | 'token' }>;

export type Sealer = Readonly<{
  /** The key that seals; undefined where texts are kept as they are. */
  currentKeyId: string | undefined;
  /** Every key that opens. */
  keyIds: readonly string[];
  seal(text: string, place: Place): string;
  /** A text that was never sealed is given back as it is. Throws `CannotOpen`. */
  open(text: string, place: Place): string;
}>;

/** A secret of the ledger cannot be opened. The message names keys by their ids and no secret. */
export class CannotOpen extends Error {
  override name = 'CannotOpen';
}

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** JSON, hex and tokens, which are all that is ever sealed, do not begin like this. */
const BEGINNING = 'sealed:1:';

/** How texts begin that this key has sealed. */
export const sealedWith = (keyId: string): string => `${BEGINNING}${keyId}:`;

/** Something is sealed or opened a dozen times for a payment, within a second or two. */
const MOST_PAYMENTS = 256;

type Key = Readonly<{ id: string; ofPayment(paymentId: string): KeyObject }>;

const derive = (key: KeyObject, info: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, '', `sallyport ledger\n${info}`, KEY_BYTES));

const toKey = (bytes: Uint8Array): Key => {
  const key = createSecretKey(bytes);
  const ofPayments = new LRUCache<string, KeyObject>({
    max: MOST_PAYMENTS,
    memoMethod: (paymentId) => createSecretKey(derive(key, `payment\n${paymentId}`)),
  });
  return {
    // Says which key it is, and nothing of the key.
    id: hash('sha256', derive(key, 'id')).slice(0, 16),
    ofPayment: (paymentId) => ofPayments.memo(paymentId),
  };
};

const aadOf = ({ paymentId, column }: Place): Buffer => Buffer.from(`${paymentId}\n${column}`);

const encrypt = (key: Key, text: string, place: Place): string => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.ofPayment(place.paymentId), nonce);
  cipher.setAAD(aadOf(place));
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
};

/** Throws where anything of it was changed. */
const decrypt = (key: Key, sealed: Buffer, place: Place): string => {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv(CIPHER, key.ofPayment(place.paymentId), nonce, options);
  decipher.setAAD(aadOf(place));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
};

/** `current` seals, and every key opens: 32 bytes each, or more. */
export const createSealer = (current: Uint8Array | undefined, former: readonly Uint8Array[] = []): Sealer => {
  const sealing = current && toKey(current);
  const keys = new Map([...(sealing ? [sealing] : []), ...former.map(toKey)].map((key) => [key.id, key]));

  return {
    currentKeyId: sealing?.id,
    keyIds: [...keys.keys()],

    seal: (text, place) => (sealing ? `${sealedWith(sealing.id)}${encrypt(sealing, text, place)}` : text),

    open(text, place) {
      if (!text.startsWith(BEGINNING)) return text;
      const [id = '', sealed = ''] = text.slice(BEGINNING.length).split(':');
      const key = keys.get(id);
      const what = `the ${place.column} of the payment ${place.paymentId}`;
      if (!key) throw new CannotOpen(`${what} is sealed with the key ${id}, which is not configured`);
      try {
        return decrypt(key, Buffer.from(sealed, 'base64url'), place);
      } catch {
        throw new CannotOpen(`${what} was changed after it was sealed with the key ${id}`);
      }
    },
  };
};
