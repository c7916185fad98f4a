/** Private keys that sign for an account: RSA, in PEM, or in the key file of a service account. */
import { createPrivateKey, type KeyObject } from 'node:crypto';

const LEAST_BITS = 2_048;

/** Whatever it holds: a text that begins so is no client secret. */
export const isPrivateKey = (text: string): boolean => /^\s*-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(text);

/** Variables carry line breaks as `\n` more often than not. Undefined where it is no RSA key of 2048 bits or more. */
export const readSigningKey = (text: string): KeyObject | undefined => {
  try {
    const key = createPrivateKey(text.replaceAll('\\n', '\n'));
    const bits = key.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0;
    return bits >= LEAST_BITS ? key : undefined;
  } catch {
    return undefined;
  }
};

export type ServiceAccount = Readonly<{ email: string; key: KeyObject; keyId: string | undefined }>;

const membersOf = (text: string): ReadonlyMap<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text);
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  } catch {
    return new Map();
  }
};

/** The JSON file that Google gives for a key. Its `token_uri` is not believed: the configuration says where keys go. */
export const readServiceAccount = (text: string): ServiceAccount | undefined => {
  const members = membersOf(text);
  const [email, pem, keyId] = ['client_email', 'private_key', 'private_key_id'].map((name) => members.get(name));
  const key = typeof pem === 'string' ? readSigningKey(pem) : undefined;
  if (typeof email !== 'string' || email === '' || !key) return undefined;
  return { email, key, keyId: typeof keyId === 'string' ? keyId : undefined };
};
