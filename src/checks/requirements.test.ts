import assert from 'node:assert/strict';
import { validateHeaderValue } from 'node:http';
import { test } from 'node:test';
import { anonymous, type Identity, payer } from '../core/identity.ts';
import type { CashuToken } from '../core/payment.ts';
import type { AuthRequest } from '../core/request.ts';
import { claimAt } from '../identify/jwt/claim-path.ts';
import { createRequirementsCheck, type Requirements } from './requirements.ts';

const none: Requirements = { issuers: [], scopes: [], roles: [], claims: {} };

const claims = { tenant: 'acme', level: 3, beta: true, groups: ['a', 'b'], org: { unit: 'x' }, nothing: null };
const user = (rest: Partial<Identity> = {}): Identity =>
  ({
    method: 'jwt',
    subject: 'john',
    issuer: 'users',
    scopes: ['read', 'write'],
    roles: ['gold', 'admin'],
    claims,
    ...rest,
  }) as Identity;
const key: Identity = {
  method: 'api_key',
  subject: 'john',
  keyId: 'key_1',
  limits: [],
  scopes: ['read'],
  roles: ['gold'],
  claims,
};

// biome-ignore format: a table is read by its columns
const table: readonly (readonly [what: string, wanted: Partial<Requirements>, identity: Identity, code: string | undefined])[] = [
  ['nothing', {}, user(), undefined],
  ['its issuer', { issuers: ['others', 'users'] }, user(), undefined],
  ['another issuer', { issuers: ['others'] }, user(), 'wrong_issuer'],
  ['an issuer, of a key', { issuers: ['others'] }, key, undefined],
  ['scopes it has', { scopes: ['read', 'write'] }, user(), undefined],
  ['one scope more', { scopes: ['read', 'delete'] }, user(), 'insufficient_scope'],
  ['a scope that is part of another', { scopes: ['rea'] }, user(), 'insufficient_scope'],
  ['a scope in capitals', { scopes: ['READ'] }, user(), 'insufficient_scope'],
  ['a scope the key has', { scopes: ['read'] }, key, undefined],
  ['a scope the key has not', { scopes: ['write'] }, key, 'insufficient_scope'],
  ['roles it has', { roles: ['admin', 'gold'] }, user(), undefined],
  ['a role it has not', { roles: ['admin', 'root'] }, user(), 'missing_role'],
  ['a role, of a key', { roles: ['root'] }, key, 'missing_role'],
  ['a claim', { claims: { tenant: ['acme'] } }, user(), undefined],
  ['one of several values', { claims: { tenant: ['x', 'acme'] } }, user(), undefined],
  ['another value', { claims: { tenant: ['evil'] } }, user(), 'claim_mismatch'],
  ['a number', { claims: { level: [3] } }, user(), undefined],
  ['a number as text', { claims: { level: ['3'] } }, user(), 'claim_mismatch'],
  ['true', { claims: { beta: [true] } }, user(), undefined],
  ['true as text', { claims: { beta: ['true'] } }, user(), 'claim_mismatch'],
  ['an entry of a list', { claims: { groups: ['b'] } }, user(), undefined],
  ['no entry of a list', { claims: { groups: ['c', 'a,b'] } }, user(), 'claim_mismatch'],
  ['a nested claim', { claims: { 'org.unit': ['x'] } }, user(), undefined],
  ['an object', { claims: { org: ['[object Object]'] } }, user(), 'claim_mismatch'],
  ['null', { claims: { nothing: ['null'] } }, user(), 'claim_mismatch'],
  ['a claim that is missing', { claims: { missing: ['undefined'] } }, user(), 'claim_mismatch'],
  ['a claim of every object', { claims: { constructor: ['Object'] } }, user(), 'claim_mismatch'],
  ['two claims, of which one fits', { claims: { tenant: ['acme'], level: [4] } }, user(), 'claim_mismatch'],
  ['a claim, of a key’s metadata', { claims: { tenant: ['acme'] } }, key, undefined],
  ['everything at once: the first that is missing', { issuers: ['x'], scopes: ['x'], roles: ['x'], claims: { x: ['x'] } }, user(), 'wrong_issuer'],
  ['anything, of a payer', { issuers: ['x'], scopes: ['x'], roles: ['x'] }, payer({} as CashuToken), undefined],
  ['anything, of nobody', { issuers: ['x'], scopes: ['x'], roles: ['x'] }, anonymous, undefined],
];

for (const [what, wanted, identity, code] of table) {
  test(`a route that wants ${what} → ${code ?? 'passes'}`, async () => {
    const check = createRequirementsCheck({ ...none, ...wanted }, claimAt);
    assert.equal((await check({} as AuthRequest, identity, 'enforce'))?.code, code);
  });
}

test('a missing scope is told by RFC 6750, in a header that can be sent', async () => {
  const scopes = ['read', 'größe', 'a"b', '大', 'delete'];
  const refusal = await createRequirementsCheck({ ...none, scopes }, claimAt)({} as AuthRequest, user(), 'enforce');
  const challenge = refusal?.headers?.['WWW-Authenticate'] ?? '';
  validateHeaderValue('WWW-Authenticate', challenge);
  assert.equal(challenge, 'Bearer realm="sallyport", error="insufficient_scope", scope="read delete"');
});
