import type { Config } from './config.ts';
import type { Finding } from './finding.ts';

/** How other credentials begin; a key must be told from them by its first letters. */
const beginnings = ['eyJ', 'cashu'];

const looksLikeToken = (prefix: string): boolean =>
  beginnings.some(
    (start) =>
      start.toLowerCase().startsWith(prefix.toLowerCase()) || prefix.toLowerCase().startsWith(start.toLowerCase()),
  );

const likeToken = (path: Finding['path']): Finding => ({
  path,
  message: 'keys could be taken for JWTs or Cashu tokens',
  shows: 'value',
  expected: 'a prefix such as sk-',
});

const checkImported = ({ imported }: Config['api_keys']): Finding[] =>
  imported.flatMap(({ prefix, length }, index): Finding[] => {
    const path = ['api_keys', 'imported', index];
    if (prefix !== undefined) return looksLikeToken(prefix) ? [likeToken([...path, 'prefix'])] : [];
    return length === undefined
      ? [{ path, message: 'nothing tells these keys from others', expected: 'a prefix, a length, or both' }]
      : [];
  });

export const checkApiKeys = (keys: Config['api_keys']): Finding[] => [
  ...(looksLikeToken(keys.prefix) ? [likeToken(['api_keys', 'prefix'])] : []),
  ...checkImported(keys),
];
