import { Secret } from '../core/secret.ts';
import { checkApiKeys } from './check-api-keys.ts';
import { checkPayouts } from './check-payouts.ts';
import type { Config } from './config.ts';
import { readEncryptionKey } from './encryption-key.ts';
import type { Finding } from './finding.ts';
import { readLockKey } from './lock-key.ts';
import { standIn } from './read/variable.ts';
import { repeated } from './repeated.ts';

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

const checkOffline = ({ lock, mints }: Config['cashu']): Finding[] => {
  const offline = lock?.accept_offline;
  if (!offline) return [];
  const at = ['cashu', 'lock', 'accept_offline'];
  const capped = offline.max_unsettled.map(({ mint, unit }, index) => ({
    mint: mints.find(({ url }) => url === mint),
    unit,
    word: `${mint} ${unit}`,
    entry: [...at, 'max_unsettled', index],
    path: [...at, 'max_unsettled', index, 'mint'],
  }));
  return [
    ...repeated(capped, 'mint and unit'),
    ...capped.flatMap(({ mint, unit, entry, path }): Finding[] => {
      const reads = [['cashu', 'mints']];
      if (!mint) {
        const message = 'no mint of this URL under cashu.mints';
        return [
          {
            path,
            message,
            shows: 'value',
            hint: 'mints that `*` stands for are always asked',
            reads,
          },
        ];
      }
      if (mint.units.includes(unit)) return [];
      return [{ path: [...entry, 'unit'], message: 'this mint does not serve the unit', shows: 'value', reads }];
    }),
    ...(offline.settle_within < 10 * offline.settle_every
      ? [{ path: [...at, 'settle_within'], message: 'too short', expected: 'ten times settle_every, or more' }]
      : []),
  ];
};

export const checkPayment = ({ api_keys, cashu }: Config): Finding[] => [
  ...checkEncryptionKeys(cashu),
  ...checkLock(cashu),
  ...checkOffline(cashu),
  ...checkPayouts(cashu),
  ...repeated(
    cashu.mints.map(({ url }, index) => ({ word: url, path: ['cashu', 'mints', index, 'url'] })),
    'mint',
  ),
  ...checkApiKeys(api_keys),
];
