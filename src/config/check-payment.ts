import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import { repeated } from './repeated.ts';

/** How other credentials begin; a key must be told from them by its first letters. */
const beginnings = ['eyJ', 'cashu'];

const looksLikeToken = (prefix: string): boolean =>
  beginnings.some(
    (start) =>
      start.toLowerCase().startsWith(prefix.toLowerCase()) || prefix.toLowerCase().startsWith(start.toLowerCase()),
  );

export const checkPayment = ({ api_keys, cashu }: Config): Finding[] => [
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
