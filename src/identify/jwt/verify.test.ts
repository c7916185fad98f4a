import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, KeyObject } from 'node:crypto';
import { validateHeaderValue } from 'node:http';
import { after, test } from 'node:test';
import { createIssuer } from '../../../examples/sample-issuer/issuer.ts';
import { startJwksServer } from '../../../test/peers/jwks-server.ts';
import { isRefusal } from '../../core/refusal.ts';
import { hmacWith, issuerOf, localKeys, rawToken, rsaWith } from './harness.test.ts';
import type { Issuer } from './issuer.ts';
import { publicKey } from './static-keys.ts';
import { createVerifier } from './verify.ts';

const NOW = Date.UTC(2026, 0, 1);
const now = NOW / 1000;

const server = await startJwksServer({ owner: { after }, now: () => NOW });
const { sign } = server;
const rsaJwk = server.issuer.jwks().keys.find(({ alg }) => alg === 'RS256') ?? {};
const rsaKey = createPublicKey({ key: rsaJwk, format: 'jwk' });
const kid = String(rsaJwk.kid);
const rsa = server.issuer.keys().find(({ alg }) => alg === 'RS256');
const signRsa = rsaWith(KeyObject.from(rsa?.privateKey ?? assert.fail()));
const forger = await createIssuer(server.url, { now: () => NOW });
const [forgerKey] = forger.keys();

const ours = { iss: server.url, aud: 'api', sub: 'john', exp: now + 300 };
type Fields = Record<string, unknown>;
const good = (claims: Fields = {}, header: Fields = {}) => sign({ aud: 'api', sub: 'john', ...claims }, { header });
const header = { alg: 'RS256', kid, typ: 'JWT' };
const text = (how: 'spki' | 'pkcs1', format: 'pem') => rsaKey.export({ type: how, format }).toString();

type Row = readonly [title: string, token: () => string | Promise<string>, outcome: string, issuer?: Partial<Issuer>];

// biome-ignore format: a table is read by its columns
const table: readonly Row[] = [
  ['RS256', () => good(), 'ok'],
  ['PS256', () => sign({ aud: 'api' }, { alg: 'PS256' }), 'ok'],
  ['ES256', () => sign({ aud: 'api' }, { alg: 'ES256' }), 'ok'],
  ['EdDSA', () => sign({ aud: 'api' }, { alg: 'EdDSA' }), 'ok'],
  ['a token signed by hand', () => rawToken(header, ours, signRsa), 'ok'],
  // Algorithms.
  ['alg none', () => sign({ aud: 'api' }, { alg: 'none' }), 'invalid_token'],
  ...['None', 'NONE', 'nOnE', '', 'null', 'RS256 ', 'rs256', 'ML-DSA-99', '__proto__', 'constructor', 'toString'].map((alg): Row =>
    [`alg ${JSON.stringify(alg)}`, () => rawToken({ ...header, alg }, ours, signRsa), 'invalid_token']),
  ...[null, 0, [], ['RS256'], {}, undefined].map((alg): Row =>
    [`alg ${JSON.stringify(alg)}, which is no text`, () => rawToken({ ...header, alg }, ours, signRsa), 'invalid_token']),
  ['alg none and the signature of another token', () => rawToken({ ...header, alg: 'none' }, ours, signRsa), 'invalid_token'],
  ...([
    ['SPKI in PEM', text('spki', 'pem')], ['SPKI in PEM without its last line break', text('spki', 'pem').trimEnd()],
    ['SPKI in PEM with CRLF', text('spki', 'pem').replaceAll('\n', '\r\n')], ['PKCS#1 in PEM', text('pkcs1', 'pem')],
    ['SPKI in DER', rsaKey.export({ type: 'spki', format: 'der' })], ['PKCS#1 in DER', rsaKey.export({ type: 'pkcs1', format: 'der' })],
    ['its JWK', JSON.stringify(rsaJwk)], ['its modulus', Buffer.from(String(rsaJwk.n), 'base64url')], ['nothing', ''],
  ] as const).map(([what, secret]): Row =>
    [`HS256 with the RSA public key as ${what}`, () => rawToken({ ...header, alg: 'HS256' }, ours, hmacWith(secret)), 'invalid_token']),
  ['the same where HS256 is listed', () => rawToken({ ...header, alg: 'HS256' }, ours, hmacWith(text('spki', 'pem'))), 'invalid_token', { algorithms: ['RS256', 'HS256'] }],
  ['an algorithm that the issuer does not list', () => good(), 'invalid_token', { algorithms: ['ES256'] }],
  ['another algorithm than the key is for', () => rawToken({ ...header, alg: 'RS512' }, ours, signRsa), 'invalid_token', { algorithms: ['RS256', 'RS512'] }],
  ['an algorithm that does not fit the one key', () => good(), 'invalid_token', { keys: publicKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString()) }],
  ['an elliptic curve against an RSA key', () => sign({ aud: 'api' }, { alg: 'ES256' }), 'invalid_token', { keys: publicKey(text('spki', 'pem')) }],
  // What the header may not say.
  ['an unknown crit', () => good({}, { crit: ['exp'], exp: 1 }), 'invalid_token'],
  ['crit that names a claim of ours', () => rawToken({ ...header, crit: ['iss'], iss: 'x' }, ours, signRsa), 'invalid_token'],
  ['an empty crit', () => rawToken({ ...header, crit: [] }, ours, signRsa), 'invalid_token'],
  ['crit that is no list', () => rawToken({ ...header, crit: 'b64' }, ours, signRsa), 'invalid_token'],
  ['b64 false', () => rawToken({ ...header, crit: ['b64'], b64: false }, ours, signRsa), 'invalid_token'],
  ['b64 false, the payload in the plain', () => {
    const input = `${Buffer.from(JSON.stringify({ ...header, crit: ['b64'], b64: false })).toString('base64url')}.{"aud"`;
    return `${input}.${signRsa(input).toString('base64url')}`;
  }, 'invalid_token'],
  ...['JWE', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', 'x/jwt', 'application/', '', 7, null, ['JWT'], 'JWT\u0000'].map((typ): Row =>
    [`typ ${JSON.stringify(typ)}`, () => rawToken({ ...header, typ }, ours, signRsa), 'invalid_token']),
  ...['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'application/jwt', undefined].map((typ): Row =>
    [`typ ${typ}`, () => good({}, { typ }), 'ok']),
  ['the typ that the issuer asks for', () => good({}, { typ: 'application/AT+jwt' }), 'ok', { typ: 'at+jwt' }],
  ['another typ than the issuer asks for', () => good(), 'invalid_token', { typ: 'at+jwt' }],
  ['no typ where the issuer asks for one', () => good({}, { typ: undefined }), 'invalid_token', { typ: 'at+jwt' }],
  ['a key in the header', () => sign({ aud: 'api' }, { key: forgerKey?.privateKey ?? assert.fail(), header: { jwk: forgerKey?.jwk } }), 'invalid_token'],
  ...['jwk', 'jku', 'x5u'].map((name): Row =>
    [`${name} in the header of a genuine token`, () => good({}, { [name]: 'https://evil.example.com/keys' }), 'invalid_token']),
  ['a certificate in the header is no key', () => sign({ aud: 'api' }, { key: forgerKey?.privateKey ?? assert.fail(), header: { x5c: ['MIIB'] } }), 'invalid_token'],
  // Which key.
  ...['../../../../dev/null', '/dev/null', "' OR 1=1 --", 'http://169.254.169.254/', '__proto__', 'constructor', '', `${kid}\u0000`, 'x'.repeat(10_000)].map((forged): Row =>
    [`kid ${JSON.stringify(forged).slice(0, 40)}`, () => good({}, { kid: forged }), 'invalid_token']),
  ...[7, null, [kid], {}].map((forged): Row =>
    [`kid ${JSON.stringify(forged)}, which is no text`, () => rawToken({ ...header, kid: forged }, ours, signRsa), 'invalid_token']),
  ['no kid, one key for the algorithm', () => good({}, { kid: undefined }), 'ok'],
  ['the kid of another key', () => good({}, { kid: server.issuer.keys().find(({ alg }) => alg === 'ES256')?.kid }), 'invalid_token'],
  ['a signature by somebody else', () => sign({ aud: 'api' }, { key: forgerKey?.privateKey ?? assert.fail() }), 'invalid_token'],
  // Time, with a tolerance of 30 s.
  ['no exp', () => good({ exp: undefined }), 'invalid_token'],
  ...[null, String(now + 300), [now + 300], {}, true].map((exp): Row => [`exp ${JSON.stringify(exp)}`, () => good({ exp }), 'invalid_token']),
  ['exp within the tolerance', () => good({ exp: now - 29 }), 'ok'],
  ['exp at the edge of the tolerance', () => good({ exp: now - 30 }), 'expired_token'],
  ['exp in the past', () => good({ exp: now - 300 }), 'expired_token'],
  ['exp beyond every number', () => rawToken(header, JSON.stringify(ours).replace(/"exp":\d+/, '"exp":1e400'), signRsa), 'invalid_token'],
  ['exp far below zero', () => good({ exp: -1e300 }), 'expired_token'],
  ['nbf at the edge of the tolerance', () => good({ nbf: now + 30 }), 'ok'],
  ['nbf beyond the tolerance', () => good({ nbf: now + 31 }), 'expired_token'],
  ['nbf as text', () => good({ nbf: String(now) }), 'invalid_token'],
  ['iat at the edge of the tolerance', () => good({ iat: now + 30 }), 'ok'],
  ['iat in the future', () => good({ iat: now + 31 }), 'expired_token'],
  ['iat as text', () => good({ iat: String(now) }), 'invalid_token'],
  ['no iat', () => good({ iat: undefined }), 'ok'],
  // For whom, by whom, about whom.
  ['another audience', () => good({ aud: 'other' }), 'invalid_token'],
  ['an audience that begins like ours', () => good({ aud: 'api2' }), 'invalid_token'],
  ['a list with our audience', () => good({ aud: ['other', 'api'] }), 'ok'],
  ['a list without it', () => good({ aud: ['other', 'ap'] }), 'invalid_token'],
  ...[undefined, null, '', [], {}, { api: 1 }, [['api']], 7].map((aud): Row => [`aud ${JSON.stringify(aud)}`, () => good({ aud }), 'invalid_token']),
  ['one of several audiences', () => good(), 'ok', { audiences: ['x', 'api'] }],
  ['no audience is configured', () => good(), 'invalid_token', { audiences: [] }],
  ...['https://other.example.com', `${server.url}/`, '', undefined, null, [server.url], { [server.url]: 1 }, '__proto__'].map((iss): Row =>
    [`iss ${JSON.stringify(iss)}`, () => good({ iss }), 'invalid_token']),
  ...[null, 7, true, ['john'], { id: 'john' }].map((sub): Row => [`sub ${JSON.stringify(sub)}`, () => good({ sub }), 'invalid_token']),
  ['no sub', () => good({ sub: undefined }), 'ok'],
  ['a sub in another script', () => good({ sub: 'ジョン 😀' }), 'ok'],
  ['a claim that is required', () => good({ tenant: 'acme' }), 'ok', { requiredClaims: ['tenant'] }],
  ['a claim that is required and missing', () => good(), 'invalid_token', { requiredClaims: ['größe 大'] }],
  ['a claim that every object seems to have', () => good(), 'invalid_token', { requiredClaims: ['constructor'] }],
  // Form.
  ['two parts', () => rawToken(header, ours, signRsa).split('.').slice(0, 2).join('.'), 'invalid_token'],
  ['five parts, as of a JWE', () => 'eyJhbGciOiJSU0EtT0FFUCJ9.AA.AA.AA.AA', 'invalid_token'],
  ['empty parts', () => '..', 'invalid_token'],
  ['no signature', async () => (await good()).replace(/[^.]*$/, ''), 'invalid_token'],
  ['a signature cut short', async () => (await good()).slice(0, -8), 'invalid_token'],
  ['padding', async () => `${await good()}=`, 'invalid_token'],
  ['the last bits of the signature changed', async () => (await good()).replace(/.$/, '!'), 'invalid_token'],
  ['a line break inside', async () => (await good()).replace('.', '.\n'), 'invalid_token'],
  ['a payload that is no JSON', () => rawToken(header, '{"iss"', signRsa), 'invalid_token'],
  ['a payload that is a list', () => rawToken(header, '[]', signRsa), 'invalid_token'],
  ['a payload that is null', () => rawToken(header, 'null', signRsa), 'invalid_token'],
  ['a header that is no JSON', () => rawToken('{"alg"', ours, signRsa), 'invalid_token'],
  ['a header that is a list', () => rawToken('[]', ours, signRsa), 'invalid_token'],
  ['nested junk in the header', () => rawToken(`{"alg":"RS256","kid":${'['.repeat(4_000)}${']'.repeat(4_000)}}`, ours, signRsa), 'invalid_token'],
  ['nested junk in the claims', () => rawToken(header, `{"a":${'['.repeat(4_000)}${']'.repeat(4_000)},${JSON.stringify(ours).slice(1)}`, signRsa), 'ok'],
  ['a huge token', () => good({ junk: 'x'.repeat(20_000) }), 'invalid_token'],
  ['another iss first, ours last', () => rawToken(header, `{"iss":"https://evil","iss":${JSON.stringify(ours.iss)},${JSON.stringify(ours).slice(1)}`, signRsa), 'ok'],
  ['ours first, another iss last', () => rawToken(header, `${JSON.stringify(ours).slice(0, -1)},"iss":"https://evil"}`, signRsa), 'invalid_token'],
];

for (const [title, token, outcome, changes] of table) {
  test(`${title} → ${outcome}`, async () => {
    const issuer = issuerOf(server, changes);
    const verified = await createVerifier([issuer])(await token(), NOW);
    assert.equal(isRefusal(verified) ? verified.code : 'ok', outcome, JSON.stringify(verified));
    if (!isRefusal(verified)) return;
    const challenge = verified.headers?.['WWW-Authenticate'] ?? '';
    validateHeaderValue('WWW-Authenticate', challenge);
    assert.match(challenge, /^Bearer realm="sallyport", error="invalid_token", error_description="[ !#-[\]-~]+"$/);
  });
}

test('without a kid several keys are tried, and a few at the most', async () => {
  const old = server.issuer.jwks().keys.filter(({ alg }) => alg === 'RS256');
  const others = await Promise.all(
    Array.from({ length: 5 }, async () => (await createIssuer(server.url)).jwks().keys[0] ?? assert.fail()),
  );
  const withoutKid = (count: number) =>
    localKeys({ keys: [...others.slice(0, count), ...old].map(({ kid: _, ...key }) => ({ ...key, kty: 'RSA' })) });
  const token = await good({}, { kid: undefined });
  for (const [before, outcome] of [
    [1, 'ok'],
    [4, 'ok'],
    [5, 'invalid_token'],
  ] as const) {
    const verified = await createVerifier([issuerOf(server, { keys: withoutKid(before) })])(token, NOW);
    assert.equal(isRefusal(verified) ? verified.code : 'ok', outcome, `${before} others first`);
  }
  const expired = await createVerifier([issuerOf(server, { keys: withoutKid(2) })])(
    await good({ exp: 1 }, { kid: undefined }),
    NOW,
  );
  assert.equal(isRefusal(expired) && expired.code, 'expired_token');
});

test('a weak RSA key signs nothing', async () => {
  const { privateKey, publicKey: weak } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const keys = localKeys({ keys: [{ ...weak.export({ format: 'jwk' }), kty: 'RSA', kid: 'weak' }] });
  const token = rawToken({ ...header, kid: 'weak' }, ours, rsaWith(privateKey));
  const verified = await createVerifier([issuerOf(server, { keys })])(token, NOW);
  assert.equal(isRefusal(verified) && verified.code, 'invalid_token');
});

test('the token of one issuer is never taken for another’s, and keys are never shared', async () => {
  const other = await createIssuer('https://other.example.com', { now: () => NOW });
  const issuers = [issuerOf(server), issuerOf({ issuer: other }, { name: 'others', audiences: ['api', 'more'] })];
  const verify = createVerifier(issuers);
  const mine = await verify(await good(), NOW);
  assert.equal(!isRefusal(mine) && mine.issuer.name, 'users');
  const theirs = await verify(await other.issue({ aud: 'more', sub: 'john' }), NOW);
  assert.equal(!isRefusal(theirs) && theirs.issuer.name, 'others');
  const [key] = other.keys();
  for (const forged of [
    await sign({ aud: 'api' }, { key: key?.privateKey ?? assert.fail(), header: { kid: key?.kid } }),
    await sign({ aud: 'api' }, { key: key?.privateKey ?? assert.fail() }),
    await good({ iss: 'https://other.example.com' }),
    await good({ aud: 'more' }),
  ]) {
    const verified = await verify(forged, NOW);
    assert.equal(isRefusal(verified) && verified.code, 'invalid_token');
  }
});

test('a bad signature, a wrong claim and a malformed token never ask for newer keys; an unknown kid does', async () => {
  const keys = localKeys(server.issuer.jwks());
  const verify = createVerifier([issuerOf(server, { keys })]);
  const forged = await sign({ aud: 'api' }, { key: forgerKey?.privateKey ?? assert.fail() });
  for (const token of [
    forged,
    await good({ exp: 1 }),
    await good({ aud: 'x' }),
    rawToken({ ...header, alg: 'none' }, ours),
  ]) {
    assert.ok(isRefusal(await verify(token, NOW)));
  }
  assert.equal(keys.refreshes(), 0);
  assert.ok(isRefusal(await verify(await good({}, { kid: 'new' }), NOW)));
  assert.equal(keys.refreshes(), 1);
});

test('without any keys the answer is 503 and not 401, for the caller may be good', async () => {
  const keys = { current: () => undefined, refresh: () => Promise.resolve() };
  const verified = await createVerifier([issuerOf(server, { keys })])(await good(), NOW);
  assert.equal(isRefusal(verified) && verified.code, 'keys_unavailable');
});
