import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateTest, clientCertificateOf } from '../core/client-certificate.ts';
import type { Credential } from '../core/credential.ts';
import { absent, type Identification, rejected } from '../core/identity.ts';
import { refuse } from '../core/refusal.ts';
import type { CallerEntry } from './caller-entry.ts';
import type { CallerRequest } from './caller-proof.ts';
import { createAdmission } from './callers.ts';

const none = { scopes: [], roles: [], claims: {} };
const jwt = (issuer: string, subject: string): Identification => ({
  outcome: 'identified',
  identity: { method: 'jwt', issuer, subject, ...none },
});
const key: Identification = {
  outcome: 'identified',
  identity: { method: 'api_key', keyId: 'key_1', subject: 'user', limits: [], ...none },
};

/** Credentials by their text; `a.b.c` and its like have the shape of a JWT. */
const known: Readonly<Record<string, Identification>> = {
  'orders.good.jwt': jwt('zone', 'orders'),
  'billing.good.jwt': jwt('zone', 'billing'),
  'orders.other.jwt': jwt('elsewhere', 'orders'),
  'sk-good': key,
  'bad.bad.bad': rejected(refuse('invalid_token', 'bad')),
  'sk-bad': rejected(refuse('invalid_api_key', 'bad')),
};

const identify = (_request: CallerRequest, { value }: Credential): Identification => known[value] ?? absent;

const certificate = clientCertificateOf({
  subject: 'CN=orders',
  fingerprint256: '00',
  subjectAltName: 'URI:spiffe://zone/orders',
});

const isOrders = certificateTest('uri:spiffe://zone/orders');
assert.ok(isOrders);
const near = (ip: string) => ip.startsWith('10.');

type Sent = Readonly<{ ip?: string; certificate?: typeof certificate; headers?: Record<string, string> }>;

const admission = (allow: readonly CallerEntry[] | undefined, mode: 'enforce' | 'report' = 'enforce') => {
  const reported: string[] = [];
  const limited = new Set<string>();
  const made = createAdmission({
    target: 'stripe',
    policy: allow && { mode, allow },
    prefixes: { own: 'sk-', imported: [] },
    identify,
    limit: (caller) => (limited.has(caller) ? refuse('rate_limited', 'enough') : undefined),
    onReported: (_target, caller, { code }) => reported.push(`${caller} ${code}`),
  });
  const ask = async ({ ip = '10.0.0.1', certificate: shown, headers = {} }: Sent = {}) => {
    const admitted = await made.admit({ clientIp: ip, certificate: shown, header: (name) => headers[name] });
    return `${admitted.caller} ${admitted.refusal?.code ?? 'passes'}`;
  };
  return { ...made, ask, reported, limited };
};

const proxy = (value: string) => ({ 'proxy-authorization': `Bearer ${value}` });
const bearer = (value: string) => ({ authorization: `Bearer ${value}` });

const byCertificate: CallerEntry = { certificate: isOrders };
const byJwt: CallerEntry = { issuer: 'zone', subject: 'orders' };
const bySource: CallerEntry = { source: near };
const byKey: CallerEntry = { apiKey: 'key_1' };

const cases: readonly (readonly [what: string, allow: readonly CallerEntry[] | undefined, sent: Sent, said: string])[] =
  [
    ['a target for everybody', undefined, {}, '10.0.0.1 passes'],
    ['a target for everybody names whom it knows', undefined, { headers: proxy('sk-good') }, 'api_key:key_1 passes'],
    ['a target for everybody, a certificate', undefined, { certificate }, 'certificate:spiffe://zone/orders passes'],
    [
      'a target for everybody, a bad credential',
      undefined,
      { headers: proxy('bad.bad.bad') },
      '10.0.0.1 invalid_token',
    ],
    [
      'a target for everybody leaves Authorization alone',
      undefined,
      { headers: bearer('bad.bad.bad') },
      '10.0.0.1 passes',
    ],
    ['a target for nobody', [], {}, '10.0.0.1 caller_refused'],
    ['the right certificate', [byCertificate], { certificate }, 'certificate:spiffe://zone/orders passes'],
    ['no certificate', [byCertificate], {}, '10.0.0.1 caller_unknown'],
    [
      'a token where a certificate is wanted',
      [byCertificate],
      { headers: proxy('sk-good') },
      'api_key:key_1 caller_refused',
    ],
    ['the right JWT', [byJwt], { headers: proxy('orders.good.jwt') }, 'jwt:zone/orders passes'],
    ['the right JWT as Authorization', [byJwt], { headers: bearer('orders.good.jwt') }, 'jwt:zone/orders passes'],
    ['the JWT of another subject', [byJwt], { headers: proxy('billing.good.jwt') }, 'jwt:zone/billing caller_refused'],
    [
      'the JWT of another issuer',
      [byJwt],
      { headers: proxy('orders.other.jwt') },
      'jwt:elsewhere/orders caller_refused',
    ],
    ['no JWT', [byJwt], {}, '10.0.0.1 caller_unknown'],
    ['the right key', [byKey], { headers: proxy('sk-good') }, 'api_key:key_1 passes'],
    ['the right key as X-API-Key', [byKey], { headers: { 'x-api-key': 'sk-good' } }, 'api_key:key_1 passes'],
    ['another key', [{ apiKey: 'key_2' }], { headers: proxy('sk-good') }, 'api_key:key_1 caller_refused'],
    ['the right address', [bySource], {}, '10.0.0.1 passes'],
    ['another address', [bySource], { ip: '192.0.2.1' }, '192.0.2.1 caller_refused'],
    ['an address that is not known', [bySource], { ip: '' }, 'unknown caller_refused'],
    // All that an entry names must hold; of the entries one is enough.
    [
      'a key from the right address',
      [{ ...byKey, ...bySource }],
      { headers: proxy('sk-good') },
      'api_key:key_1 passes',
    ],
    [
      'a key from another address',
      [{ ...byKey, ...bySource }],
      { ip: '192.0.2.1', headers: proxy('sk-good') },
      'api_key:key_1 caller_refused',
    ],
    ['no key from another address', [{ ...byKey, ...bySource }], { ip: '192.0.2.1' }, '192.0.2.1 caller_refused'],
    ['the second of two entries', [byJwt, byCertificate], { certificate }, 'certificate:spiffe://zone/orders passes'],
    // A bad credential is refused also where the address alone would do.
    ['a bad JWT from the right address', [bySource], { headers: proxy('bad.bad.bad') }, '10.0.0.1 invalid_token'],
    [
      'a bad key beside a good certificate',
      [byCertificate],
      { certificate, headers: proxy('sk-bad') },
      'certificate:spiffe://zone/orders invalid_api_key',
    ],
    [
      'a bad JWT as Authorization where it is asked for',
      [byJwt, bySource],
      { headers: bearer('bad.bad.bad') },
      '10.0.0.1 invalid_token',
    ],
    ['a credential of no kind', [bySource], { headers: proxy('opaque') }, '10.0.0.1 unrecognised_credential'],
    ['money', [bySource], { headers: proxy('cashuBo2F0') }, '10.0.0.1 unrecognised_credential'],
    [
      'a password',
      [bySource],
      { headers: { 'proxy-authorization': 'Basic YTpi' } },
      '10.0.0.1 unrecognised_credential',
    ],
    ['an empty credential', [bySource], { headers: { 'proxy-authorization': '' } }, '10.0.0.1 unrecognised_credential'],
    [
      'two values in one header',
      [bySource],
      { headers: proxy('sk-good, Bearer sk-good') },
      '10.0.0.1 ambiguous_credentials',
    ],
    [
      'two credentials',
      [byKey],
      { headers: { ...proxy('sk-good'), ...bearer('orders.good.jwt') } },
      '10.0.0.1 ambiguous_credentials',
    ],
    [
      'one credential twice',
      [byKey],
      { headers: { ...proxy('sk-good'), 'x-api-key': 'sk-good' } },
      'api_key:key_1 passes',
    ],
  ];

for (const [what, allow, sent, said] of cases) {
  test(`${what}: ${said}`, async () => assert.equal(await admission(allow).ask(sent), said));
}

test('who would be refused is reported, and passes; a credential that is meant for us must be good all the same', async () => {
  const { ask, reported } = admission([byJwt], 'report');
  assert.equal(await ask(), '10.0.0.1 passes');
  assert.equal(await ask({ headers: bearer('bad.bad.bad') }), '10.0.0.1 passes');
  assert.equal(await ask({ headers: proxy('billing.good.jwt') }), 'jwt:zone/billing passes');
  assert.equal(await ask({ headers: proxy('bad.bad.bad') }), '10.0.0.1 invalid_token');
  assert.equal(await ask({ headers: proxy('orders.good.jwt') }), 'jwt:zone/orders passes');
  assert.deepEqual(reported, ['10.0.0.1 caller_unknown', '10.0.0.1 invalid_token', 'jwt:zone/billing caller_refused']);
});

test('a caller that has had enough is refused, and no other', async () => {
  const { ask, limited } = admission([byKey, bySource]);
  limited.add('api_key:key_1');
  assert.equal(await ask({ headers: proxy('sk-good') }), 'api_key:key_1 rate_limited');
  assert.equal(await ask(), '10.0.0.1 passes');
});

test('the headers that callers prove themselves by are ours where they are asked for', () => {
  assert.deepEqual(admission(undefined).ownHeaders, ['proxy-authorization']);
  assert.deepEqual(admission([byCertificate, bySource]).ownHeaders, ['proxy-authorization']);
  assert.deepEqual(admission([byCertificate, byKey]).ownHeaders, ['proxy-authorization', 'authorization', 'x-api-key']);
});

test('what cannot be decided is refused', async () => {
  for (const failing of [() => Promise.reject(new Error('down')), () => assert.fail('down')]) {
    const { admit } = createAdmission({
      target: 'stripe',
      policy: undefined,
      prefixes: { own: 'sk-', imported: [] },
      identify: failing,
      limit: () => undefined,
      onReported: () => undefined,
    });
    const { refusal } = await admit({ clientIp: '10.0.0.1', certificate: undefined, header: () => 'Bearer sk-good' });
    assert.equal(refusal?.code, 'internal_error');
  }
});
