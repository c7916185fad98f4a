import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { readJwksUri, readKeySet } from './key-set.ts';

const jwk = (key: KeyObject, rest: object = {}) => ({ ...key.export({ format: 'jwk' }), ...rest });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
const ed = generateKeyPairSync('ed25519');
const good = jwk(ec.publicKey, { kid: 'good', use: 'sig' });

// biome-ignore format: a table is read by its columns
const keys: readonly (readonly [what: string, key: unknown, kept: boolean])[] = [
  ['an EC key', jwk(ec.publicKey), true],
  ['an RSA key', jwk(rsa.publicKey, { alg: 'RS256' }), true],
  ['an Ed25519 key', jwk(ed.publicKey), true],
  ['a key for encryption', jwk(rsa.publicKey, { use: 'enc' }), false],
  ['a weak RSA key', jwk(weak.publicKey), false],
  ['a private EC key', jwk(ec.privateKey), false],
  ['a private RSA key', jwk(rsa.privateKey), false],
  ['a private Ed25519 key', jwk(ed.privateKey), false],
  ['a shared secret', { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }, false],
  ['a shared secret without its value', { kty: 'oct' }, false],
  ['a public key with a secret beside it', jwk(ec.publicKey, { k: 'c2VjcmV0' }), false],
  ['a key of unknown kind', { kty: 'XYZ' }, false],
  ['a key without kind', { n: 'AQAB', e: 'AQAB' }, false],
  ['a kind that is no text', { ...good, kty: 7 }, false],
  ['a point that is on no curve', { ...good, x: good.y }, false],
  ['a point of another curve', { ...good, crv: 'P-384' }, false],
  ['an unknown curve', { ...good, crv: 'P-999' }, false],
  ['a modulus that is no base64url', jwk(rsa.publicKey, { n: '!!!' }), false],
  ['no modulus', { kty: 'RSA', e: 'AQAB' }, false],
  ['text', 'key', false],
  ['null', null, false],
  ['a list', [good], false],
];

for (const [what, key, kept] of keys) {
  test(`${what} is ${kept ? 'kept' : 'left out'}`, () => {
    const { keys: read } = readKeySet({ keys: [key, good] });
    assert.deepEqual(read, kept ? [key, good] : [good]);
    if (!kept) assert.throws(() => readKeySet({ keys: [key] }), /no public signature key/);
  });
}

test('what is no key set, or holds too many keys, is an error', () => {
  for (const document of [
    undefined,
    null,
    7,
    'keys',
    [],
    [good],
    {},
    { keys: {} },
    { keys: [] },
    { keys: null },
    { key: [good] },
  ]) {
    assert.throws(() => readKeySet(document), /no public signature key/, JSON.stringify(document));
  }
  assert.equal(readKeySet({ keys: Array(100).fill(good) }).keys.length, 100);
  assert.throws(() => readKeySet({ keys: Array(101).fill(good) }), /more than 100/);
});

const issuer = 'https://id.example.com/realm';
for (const [what, document, outcome] of [
  ['the issuer itself', { issuer, jwks_uri: 'https://keys.example.com/jwks' }, 'https://keys.example.com/jwks'],
  ['another issuer', { issuer: 'https://evil.example.com', jwks_uri: 'https://keys.example.com/' }, /another issuer/],
  ['an issuer with one slash more', { issuer: `${issuer}/`, jwks_uri: 'https://keys.example.com/' }, /another issuer/],
  ['no issuer', { jwks_uri: 'https://keys.example.com/' }, /another issuer/],
  ['a list', [{ issuer }], /another issuer/],
  ['null', null, /another issuer/],
  ['no jwks_uri', { issuer }, /no jwks_uri/],
  ['a jwks_uri that is no text', { issuer, jwks_uri: ['https://keys.example.com/'] }, /no jwks_uri/],
  ['plain http', { issuer, jwks_uri: 'http://keys.example.com/' }, /plain http/],
  ['another scheme', { issuer, jwks_uri: 'file:///etc/keys' }, /plain http/],
] as const) {
  test(`a discovery document of ${what}`, () => {
    if (typeof outcome === 'string') assert.equal(readJwksUri(document, issuer), outcome);
    else assert.throws(() => readJwksUri(document, issuer), outcome);
  });
}

test('an issuer on plain http, inside a cluster, may have its keys there', () => {
  const inside = 'http://keycloak.auth.svc';
  assert.equal(readJwksUri({ issuer: inside, jwks_uri: `${inside}/certs` }, inside), `${inside}/certs`);
});
