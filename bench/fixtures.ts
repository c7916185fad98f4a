/** What the measured gates are asked, and with what. */
import { DatabaseSync } from 'node:sqlite';
import { generateKey, generateKeyId, hashKey } from '../src/keys/api-key.ts';
import { migrate } from '../src/stores/sqlite/engine.ts';

/** What ingress-nginx sends with an ordinary browser's request. */
export const proxyHeaders = {
  'X-Original-URL': 'https://shop.example.com/api/v1/orders/42?expand=items',
  'X-Original-Method': 'GET',
  'X-Request-ID': '4f1d2c3b5a69788796a5b4c3d2e1f001',
  'X-Real-IP': '203.0.113.7',
  'X-Forwarded-For': '203.0.113.7',
  'X-Sent-From': 'nginx-ingress-controller',
  'X-Auth-Request-Redirect': '/api/v1/orders/42?expand=items',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br',
  'Accept-Language': 'en-US,en;q=0.9',
} as const;

/** `accept`: what the rule that is asked for takes; the others are there to be passed over. */
export const ruleset = (count: number, accept = '[api_key]'): string =>
  Array.from({ length: count }, (_, index) =>
    index === 0
      ? `  - { name: api, match: { host: shop.example.com, path: "/api/**" }, accept: ${accept} }`
      : `  - { name: r${index}, match: { host: shop.example.com, path: "/service-${index}/*/items/**" }, accept: [api_key] }`,
  ).join('\n');

/** Keys as a store keeps them, and what opens them. */
export const newKeys = (count: number): { key: string; id: string; hash: string }[] =>
  Array.from({ length: count }, () => {
    const key = generateKey('sk-');
    return { key, id: generateKeyId(), hash: hashKey(key) };
  });

/** Fills a store with keys, straight through SQL: making a million by the API would take an hour. `limit`: a minute, and a day. */
export const fillKeys = (path: string, count: number, limit: number | null = null): string[] => {
  const database = new DatabaseSync(path);
  migrate(database);
  const insert = database.prepare(
    `INSERT INTO api_keys (id, hash, hint, user_id, name, scopes, metadata, created_at, rate_limit_per_minute, rate_limit_per_day)
     VALUES (?, ?, 'sk-…', ?, 'bench', '[]', '{}', 0, ?, ?)`,
  );
  const keys: string[] = [];
  database.exec('PRAGMA synchronous = OFF; BEGIN');
  for (const [index, { key, id, hash }] of newKeys(count).entries()) {
    insert.run(id, hash, `user${index}`, limit, limit);
    if (index < 100 || index % Math.ceil(count / 200_000) === 0) keys.push(key);
  }
  database.exec('COMMIT');
  database.close();
  return keys;
};
