import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { load } from './harness.test.ts';

const client = 'token_url: "https://id.example/token", client_id: a';
const refresh = `type: oauth2_refresh_token, ${client}, refresh_token`;
const long = 'x'.repeat(16);
const redis = (more = '') => `token_store: { type: redis, redis: "redis://redis:6379"${more} },`;

const inMemory =
  'a refresh token that the provider replaces is kept in the memory of this process, and lost at its end: use token_store.type redis';
const tooShort = 'the secret is too short to seal tokens in Redis: they stay in memory without an encryption_key';

// biome-ignore format: a table is read by its columns
const cases: readonly (readonly [what: string, egress: string, auth: string, notices: readonly string[], top?: string])[] = [
  ['a client secret in memory', '', `type: oauth2_client_credentials, ${client}, client_secret: short`, []],
  ['a short client secret in Redis', redis(), `type: oauth2_client_credentials, ${client}, client_secret: short`, [tooShort]],
  ['a long client secret in Redis', redis(), `type: oauth2_client_credentials, ${client}, client_secret: ${long}`, []],
  ['a refresh token in memory', '', `${refresh}: ${long}`, [inMemory]],
  ['a refresh token in Redis', redis(), `${refresh}: ${long}`, []],
  ['a short refresh token in Redis', redis(), `${refresh}: short`, [tooShort, inMemory]],
  ['a short refresh token in Redis, with a key', redis(`, encryption_key: "${randomBytes(32).toString('hex')}"`), `${refresh}: short`, []],
  ['a refresh token and several workers', '', `${refresh}: ${long}`, ['a refresh token that the provider replaces is known to one worker alone, and no longer good for the others: use token_store.type redis'], 'workers: 2'],
  ['egress that is off', 'enabled: false,', `${refresh}: ${long}`, []],
  ['a bearer token', redis(), 'type: bearer, token: short', []],
];

for (const [what, egress, auth, notices, top = ''] of cases) {
  test(`what ${what} comes to is told: ${notices.length} notices`, () => {
    const yaml = `${top}\negress: { ${egress} targets: { a: { url: https://a.example, auth: { ${auth} } } } }`;
    assert.deepEqual(
      load(yaml).notices,
      notices.map((notice) => `egress.targets.a.auth: ${notice}`),
    );
  });
}
