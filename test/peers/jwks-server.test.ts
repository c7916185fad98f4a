import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { algorithms } from '../../examples/sample-issuer/keys.ts';
import { start } from '../../examples/sample-issuer/server.ts';
import { request } from '../servers/request.ts';
import { answering, type Fault, hugeBody } from './faults.ts';
import { emptyKeySet, encryptionKeyFirst, keysWithoutAlg, keysWithoutKid, strangeKeys } from './jwks-faults.ts';
import { publicPem, startJwksServer } from './jwks-server.ts';

for (const alg of algorithms) {
  test(`tokens of the sample issuer verify: ${alg}`, async (t) => {
    const server = await start({ algorithms: [alg] });
    t.after(server.stop);
    const token = await server.issuer.issue({ sub: 'alice', roles: ['admin'] }, { lifetimeS: 60 });
    const keys = createRemoteJWKSet(new URL(`${server.url}/jwks`));
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: server.url, algorithms: [alg] });
    assert.deepEqual([payload.sub, payload['roles'], protectedHeader.alg], ['alice', ['admin'], alg]);
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60);
  });
}

for (const [what, contentType, body] of [
  [
    'a form',
    'application/x-www-form-urlencoded',
    'grant_type=client_credentials&sub=bob&scope=read+write&roles=admin&expires_in=9',
  ],
  ['JSON', 'application/json', '{"sub":"bob","scope":"read write","roles":["admin"],"expires_in":9}'],
] as const) {
  test(`a token is had for ${what}`, async (t) => {
    const server = await start();
    t.after(server.stop);
    const answer = await request(server.url, '/token', {
      method: 'POST',
      headers: { 'Content-Type': contentType },
      body,
    });
    assert.equal(answer.status, 200, answer.body);
    const { access_token: token, expires_in: lifetimeS } = JSON.parse(answer.body);
    const { payload } = await jwtVerify(token, createLocalJWKSet(server.issuer.jwks()), { issuer: server.url });
    assert.deepEqual([payload.sub, payload['scope'], payload['roles'], lifetimeS], ['bob', 'read write', ['admin'], 9]);
    assert.equal(payload['grant_type'], undefined);
  });
}

test('the discovery document leads to the keys', async (t) => {
  const server = await startJwksServer({ owner: t });
  const document = JSON.parse((await request(server.url, '/.well-known/openid-configuration')).body);
  assert.deepEqual([document.issuer, document.jwks_uri], [server.url, server.jwksUrl]);
  const { keys } = JSON.parse((await request(document.jwks_uri, '/jwks')).body);
  assert.deepEqual(
    keys.map(({ alg }: { alg: string }) => alg),
    [...algorithms],
  );
  assert.ok(
    keys.every((key: object) => !('d' in key)),
    'no private key is published',
  );
  assert.equal(server.fetches(), 1);
});

test('after a rotation new tokens have a new key, and old ones verify until the old keys are retired', async (t) => {
  const { issuer } = await startJwksServer({ owner: t, algorithms: ['ES256'] });
  const before = await issuer.issue({});
  await issuer.rotate();
  const after = await issuer.issue({});
  assert.notEqual(decodeProtectedHeader(before).kid, decodeProtectedHeader(after).kid);
  const both = createLocalJWKSet(issuer.jwks());
  await jwtVerify(before, both);
  await jwtVerify(after, both);
  issuer.retireOldKeys();
  await jwtVerify(after, createLocalJWKSet(issuer.jwks()));
  await assert.rejects(jwtVerify(before, createLocalJWKSet(issuer.jwks())), errors.JWKSNoMatchingKey);
});

test('sign() makes what no decent issuer would', async (t) => {
  const server = await startJwksServer({ owner: t, algorithms: ['RS256'] });
  const keys = createLocalJWKSet(server.issuer.jwks());
  await jwtVerify(await server.sign({ sub: 'x' }), keys, { issuer: server.url, typ: 'JWT' });
  const { payload } = await jwtVerify(await server.sign({ exp: undefined, iss: 'other' }), keys);
  assert.deepEqual([payload.exp, payload.iss], [undefined, 'other']);
  assert.deepEqual(decodeProtectedHeader(await server.sign({}, { alg: 'none', header: { kid: undefined } })), {
    alg: 'none',
    typ: 'JWT',
  });
  assert.match(await server.sign({}, { alg: 'none' }), /\.$/);
  await assert.rejects(jwtVerify(await server.sign({}, { header: { crit: ['x-new'], 'x-new': 1 } }), keys), /x-new/);
  const [rsa] = server.issuer.keys();
  assert.ok(rsa);
  const confused = await server.sign({}, { alg: 'HS256', key: await publicPem(rsa), header: { kid: rsa.kid } });
  await jwtVerify(confused, await publicPem(rsa)); // the confusion itself: the public key as a secret
  await assert.rejects(jwtVerify(confused, keys), errors.JOSEError);
});

type Keys = { kid?: string; alg?: string; use?: string; kty?: string }[];
const faults: readonly (readonly [name: string, fault: Fault, check: (keys: Keys) => boolean])[] = [
  ['emptyKeySet', emptyKeySet, (keys) => keys.length === 0],
  ['keysWithoutKid', keysWithoutKid, (keys) => keys.length === 4 && keys.every(({ kid }) => kid === undefined)],
  ['keysWithoutAlg', keysWithoutAlg, (keys) => keys.length === 4 && keys.every(({ alg, use }) => !alg && !use)],
  ['encryptionKeyFirst', encryptionKeyFirst, (keys) => keys.length === 5 && keys[0]?.use === 'enc'],
  ['strangeKeys', strangeKeys, (keys) => keys.length === 6 && keys[0]?.kty === 'XYZ'],
];
for (const [name, fault, check] of faults) {
  test(`${name}: the key set is so, until the fault is cleared`, async (t) => {
    const server = await startJwksServer({ owner: t });
    server.faults.set('/jwks', fault);
    const fetched = async (): Promise<Keys> => JSON.parse((await request(server.url, '/jwks')).body).keys;
    assert.ok(check(await fetched()));
    server.faults.clear('/jwks');
    assert.equal((await fetched()).length, 4);
    assert.equal(server.fetches(), 2);
  });
}

test('the faults of any peer work here too: errors, and bodies that do not end', async (t) => {
  const server = await startJwksServer({ owner: t });
  server.faults.set('/jwks', answering(200, '<html>'), { times: 1 });
  assert.equal((await request(server.url, '/jwks')).body, '<html>');
  server.faults.set('/jwks', hugeBody(), { times: 1 });
  await assert.rejects(request(server.url, '/jwks', { deadlineMs: 100 }), /abort|timeout/i);
  assert.equal((await request(server.url, '/jwks')).status, 200);
});
