/** A certificate among credentials: it counts where nothing else was presented, and is never a way around what was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identifyByCertificate } from '../identify/certificate.ts';
import { clientCertificateOf } from './client-certificate.ts';
import { decide } from './decide.ts';
import { createDress } from './dress.ts';
import { requestWith } from './harness.test.ts';
import { type Identity, rejected, sessionHolder } from './identity.ts';
import { refuse } from './refusal.ts';
import type { Identifier, Rule } from './rule.ts';

const certificate = clientCertificateOf({ subject: 'O=MyOrg\nCN=orders', fingerprint256: 'ab'.repeat(32) });

const byValue =
  (good: string, identity: Identity): Identifier =>
  (_request, { value }) =>
    value === good ? { outcome: 'identified', identity } : rejected(refuse('invalid_api_key', 'Unknown.'));

const named = { subject: 'user', scopes: [], roles: [], claims: {} };
const identifiers: Rule['identifiers'] = {
  api_key: byValue('sk-good', { method: 'api_key', keyId: 'k', limits: [], ...named }),
  jwt: byValue('a.good.b', { method: 'jwt', issuer: 'i', ...named }),
  session: byValue('good', sessionHolder({ id: 'pay_1', mint: 'https://mint.example', unit: 'sat' })),
};

const invite = refuse('credential_required', 'Connect with a client certificate.');

const rule = (changes: Partial<Rule>): Rule => ({
  name: 'rule',
  identifiers,
  identifyByCertificate,
  acceptsAnonymous: false,
  invite: () => invite,
  checks: [],
  dress: createDress(
    ['X-User-ID', 'X-Client-CN'],
    [{ header: 'X-User-ID', value: ({ subject }) => subject }],
    [{ header: 'X-Client-CN', value: ({ attributes }) => attributes['CN'] }],
  ),
  passToken: false,
  ...changes,
});

const house = { apiKeyPrefix: 'sk-', imitates: () => false };

type Shown = Readonly<{ headers?: Record<string, string>; without?: true }>;

const ask = (changes: Partial<Rule>, { headers = {}, without }: Shown) =>
  decide(house, rule(changes), { ...requestWith(headers), ...(!without && { certificate }) }, 'enforce');

const word = async (changes: Partial<Rule>, shown: Shown): Promise<string> => {
  const decision = await ask(changes, shown);
  return decision.verdict === 'deny' ? decision.refusal.code : decision.identity.method;
};

const key = (value: string) => ({ headers: { 'x-api-key': value } });
const bearer = (value: string) => ({ headers: { authorization: `Bearer ${value}` } });
const cookie = { headers: { cookie: 'sallyport-session=good' } };
const alone: Partial<Rule> = { identifiers: {} };
const open: Partial<Rule> = { acceptsAnonymous: true };

for (const [title, changes, shown, expected] of [
  ['alone opens', {}, {}, 'certificate'],
  ['alone opens a rule that takes nothing else', alone, {}, 'certificate'],
  ['goes before anonymous access', open, {}, 'certificate'],
  ['that is not there opens nothing', {}, { without: true }, 'credential_required'],
  ['that is not there leaves callers anonymous where they may be', open, { without: true }, 'anonymous'],
  ['beside a good key leaves it to the key', {}, key('sk-good'), 'api_key'],
  ['beside a good JWT leaves it to the JWT', {}, bearer('a.good.b'), 'jwt'],
  ['does not make up for a bad key', {}, key('sk-bad'), 'invalid_api_key'],
  ['does not make up for a bad JWT', {}, bearer('a.bad.b'), 'invalid_api_key'],
  ['does not make up for a bad key where anybody may enter', open, key('sk-bad'), 'invalid_api_key'],
  ['does not hide a key that is not taken', alone, key('sk-good'), 'credential_required'],
  ['does not hide a JWT that is not taken', alone, bearer('a.good.b'), 'credential_required'],
  ['does not hide a token that is not taken', {}, bearer('cashuBgood'), 'credential_required'],
  ['does not hide a bearer of no known kind', {}, bearer('something'), 'unrecognised_credential'],
  [
    'does not settle which of two keys counts',
    {},
    { headers: { 'x-api-key': 'sk-good', authorization: 'Bearer sk-bad' } },
    'ambiguous_credentials',
  ],
  ['goes before the cookie of a session, which costs', {}, cookie, 'certificate'],
  ['leaves it to a session that is said in a header', {}, { headers: { 'x-payment-session': 'good' } }, 'session'],
  ['is no session where there is none', {}, { ...cookie, without: true }, 'session'],
] satisfies [string, Partial<Rule>, Shown, string][]) {
  test(`a certificate ${title} → ${expected}`, async () => assert.equal(await word(changes, shown), expected));
}

test('a certificate is nothing to a rule that does not take it', async () => {
  const { identifyByCertificate: _, ...deaf } = rule({ identifiers: {}, acceptsAnonymous: true });
  const decision = await decide(house, deaf, { ...requestWith(), certificate }, 'enforce');
  assert.ok(decision.verdict === 'allow');
  assert.equal(decision.identity.method, 'anonymous');
});

test('where it is not enough, both ways in are named', async () => {
  const decision = await ask({}, bearer('something'));
  assert.ok(decision.verdict === 'deny');
  assert.match(decision.refusal.detail, /Expected an API key or a JWT or a client certificate alone\.$/);
});

test('the application learns of the certificate by whichever credential the caller is known, and never of another’s', async () => {
  const headersOf = async (shown: Shown) => {
    const decision = await ask(open, shown);
    return decision.verdict === 'allow' ? decision.upstream : {};
  };
  assert.deepEqual(await headersOf({}), { 'X-User-ID': 'orders', 'X-Client-CN': 'orders' });
  assert.deepEqual(await headersOf(key('sk-good')), { 'X-User-ID': 'user', 'X-Client-CN': 'orders' });
  assert.deepEqual(await headersOf({ ...key('sk-good'), without: true }), { 'X-User-ID': 'user', 'X-Client-CN': '' });
  assert.deepEqual(await headersOf({ without: true }), { 'X-User-ID': '', 'X-Client-CN': '' });
});

test('a name that would break out of its header refuses the request', async () => {
  const broken = clientCertificateOf({ subject: 'CN=a\\0AX-User-ID: boss', fingerprint256: 'ab'.repeat(32) });
  const decision = await decide(house, rule(open), { ...requestWith(), certificate: broken }, 'enforce');
  assert.ok(decision.verdict === 'deny');
  assert.equal(decision.refusal.code, 'unsafe_identity');
});
