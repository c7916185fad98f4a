import { Secret } from '../core/secret.ts';
import type { Config } from './config.ts';
import { readEncryptionKey } from './encryption-key.ts';
import type { Finding } from './finding.ts';
import { readLockKey } from './lock-key.ts';
import { standIn } from './read/variable.ts';
import { repeated } from './repeated.ts';

/** How other credentials begin; a key must be told from them by its first letters. */
const beginnings = ['eyJ', 'cashu'];

const looksLikeToken = (prefix: string): boolean =>
  beginnings.some(
    (start) =>
      start.toLowerCase().startsWith(prefix.toLowerCase()) || prefix.toLowerCase().startsWith(start.toLowerCase()),
  );

const checkEncryptionKeys = ({ encryption_key, former_encryption_keys }: Config['cashu']): Finding[] => {
  const keys = [
    { key: encryption_key, path: ['cashu', 'encryption_key'] },
    ...former_encryption_keys.map((key, index) => ({ key, path: ['cashu', 'former_encryption_keys', index] })),
  ];
  return keys.flatMap(({ key, path }): Finding[] => {
    if (!(key instanceof Secret) || key.reveal() === standIn || readEncryptionKey(key.reveal())) return [];
    return [
      {
        path,
        message: 'not a random key',
        expected: 'at least 32 random bytes in base64 or hex',
        hint: 'make one with: openssl rand -base64 32',
      },
    ];
  });
};

const checkLock = ({ lock }: Config['cashu']): Finding[] => {
  if (!(lock?.private_key instanceof Secret)) return [];
  const text = lock.private_key.reveal();
  if (text === standIn || readLockKey(text)) return [];
  const expected = '32 random bytes in hex';
  const hint = 'make one with: openssl rand -hex 32';
  return [{ path: ['cashu', 'lock', 'private_key'], message: 'not a private key', expected, hint }];
};

export const checkPayment = ({ api_keys, cashu }: Config): Finding[] => [
  ...checkEncryptionKeys(cashu),
  ...checkLock(cashu),
  ...repeated(
    cashu.mints.map(({ url }, index) => ({ word: url, path: ['cashu', 'mints', index, 'url'] })),
    'mint',
  ),
  ...(looksLikeToken(api_keys.prefix)
    ? [
        {
          path: ['api_keys', 'prefix'],
          message: 'keys could be taken for JWTs or Cashu tokens',
          shows: 'value' as const,
          expected: 'a prefix such as sk-',
        },
      ]
    : []),
];
