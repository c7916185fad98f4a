import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { createAuthority } from '../../test/servers/certificates.ts';
import { certificateTest } from '../core/client-certificate.ts';
import { isRefusal } from '../core/refusal.ts';
import { type CertificateFormat, createToldCertificates } from './told-certificates.ts';

const authority = createAuthority({ after });
const pemOf = (name: string, uri?: string, subject?: string) =>
  readFileSync(authority.issue(name, uri, subject === undefined ? {} : { subject }).cert, 'utf8');

const orders = pemOf('orders', 'spiffe://zone/orders', '/O=MyOrg/CN=orders');
const billing = pemOf('billing', 'spiffe://zone/billing', '/O=MyOrg/CN=billing');

const der = (pem: string) => new X509Certificate(pem).raw.toString('base64');
const escaped = (pem: string) => encodeURIComponent(pem);
const hashOf = (pem: string) => new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();

type Headers = Readonly<Record<string, string>>;

const success = { 'ssl-client-verify': 'SUCCESS' };
const nginx = (pem: string, more: Headers = {}): Headers => ({ ...success, 'ssl-client-cert': escaped(pem), ...more });
const subject = (name: string, more: Headers = {}): Headers => ({ ...success, 'ssl-client-subject-dn': name, ...more });
const envoy = (text: string): Headers => ({ 'x-forwarded-client-cert': text });
const traefik = (text: string): Headers => ({ 'x-forwarded-tls-client-cert': text });
const rfc9440 = (text: string): Headers => ({ 'client-cert': text });

/** The subject of whom the proxy tells of, `none`, or `refused`. */
const told = (format: CertificateFormat, headers: Headers, hosts?: readonly string[], host = 'api.example.com') => {
  const found = createToldCertificates(format, hosts).read(host, (name) => headers[name]);
  if (found === undefined) return 'none';
  return isRefusal(found) ? 'refused' : (found.attributes['CN']?.join(' and ') ?? 'nobody');
};

type Case = readonly [what: string, format: CertificateFormat, headers: Headers, expected: string];

const verdicts = ['NONE', ''].map(
  (verdict): Case => [`verdict "${verdict}"`, 'nginx', nginx(orders, { 'ssl-client-verify': verdict }), 'none'],
);

const badVerdicts = ['FAILED:certificate has expired', 'SUCCESS, SUCCESS', 'success', 'FAILED', 'SUCCESS '].map(
  (verdict): Case => [`verdict "${verdict}"`, 'nginx', nginx(orders, { 'ssl-client-verify': verdict }), 'refused'],
);

const cases: readonly Case[] = [
  ['nothing', 'nginx', {}, 'none'],
  ['nothing', 'nginx_subject', {}, 'none'],
  ['nothing', 'envoy', {}, 'none'],
  ['nothing', 'traefik', {}, 'none'],
  ['nothing', 'rfc9440', {}, 'none'],
  ['an empty header', 'envoy', envoy(''), 'none'],
  ['an empty header', 'traefik', traefik(''), 'none'],
  ['an empty sequence', 'rfc9440', rfc9440('::'), 'none'],
  // nginx, and ingress-nginx with auth-tls-pass-certificate-to-upstream
  ['a certificate', 'nginx', nginx(orders), 'orders'],
  ['a certificate and its subject', 'nginx', nginx(orders, { 'ssl-client-subject-dn': 'CN=orders,O=MyOrg' }), 'orders'],
  ...verdicts,
  ...badVerdicts,
  ['a certificate without a verdict', 'nginx', { 'ssl-client-cert': escaped(orders) }, 'none'],
  ['a verdict without a certificate', 'nginx', success, 'refused'],
  ['the subject of another', 'nginx', nginx(orders, { 'ssl-client-subject-dn': 'CN=billing,O=MyOrg' }), 'refused'],
  ['a subject alone, where a certificate is due', 'nginx', subject('CN=orders,O=MyOrg'), 'refused'],
  ['two certificates', 'nginx', nginx(orders + billing), 'refused'],
  ['two lines', 'nginx', { ...success, 'ssl-client-cert': `${escaped(orders)}, ${escaped(billing)}` }, 'refused'],
  [
    'a certificate that is not escaped',
    'nginx',
    { ...success, 'ssl-client-cert': orders.replaceAll('\n', '\n\t') },
    'refused',
  ],
  ['a broken escape', 'nginx', { ...success, 'ssl-client-cert': '%' }, 'refused'],
  ['a key', 'nginx', nginx('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'), 'refused'],
  // ingress-nginx without it
  ['a subject', 'nginx_subject', subject('CN=orders,O=MyOrg'), 'orders'],
  [
    'a subject beside a certificate that nobody vouches for',
    'nginx_subject',
    subject('CN=orders', { 'ssl-client-cert': escaped(billing) }),
    'orders',
  ],
  ['a name inside another', 'nginx_subject', subject('CN=x\\,CN=orders,O=MyOrg'), 'x,CN=orders'],
  ['two names', 'nginx_subject', subject('CN=a,CN=b'), 'a and b'],
  ['a quoted name', 'nginx_subject', subject('CN="orders"'), 'refused'],
  ['the old form of names', 'nginx_subject', subject('/CN=orders/O=MyOrg'), 'refused'],
  ['no name', 'nginx_subject', success, 'refused'],
  ['a name without a verdict', 'nginx_subject', { 'ssl-client-subject-dn': 'CN=orders' }, 'none'],
  // Envoy
  ['an element', 'envoy', envoy(`Hash=${hashOf(orders)};Subject="CN=orders,O=MyOrg"`), 'orders'],
  [
    'an element with the certificate',
    'envoy',
    envoy(`Hash=${hashOf(orders)};Cert="${escaped(orders)}";Subject="CN=boss"`),
    'orders',
  ],
  ['the hash of another', 'envoy', envoy(`Hash=${hashOf(billing)};Cert="${escaped(orders)}"`), 'refused'],
  ['two certificates in an element', 'envoy', envoy(`Cert="${escaped(orders)}";Cert="${escaped(billing)}"`), 'refused'],
  ['a certificate that is none', 'envoy', envoy('Cert="rubbish";Subject="CN=orders"'), 'refused'],
  ['an element that names nobody', 'envoy', envoy('By=spiffe://zone/us'), 'refused'],
  ['what is no element', 'envoy', envoy('orders'), 'refused'],
  // Traefik
  ['a certificate', 'traefik', traefik(der(orders)), 'orders'],
  ['an escaped certificate', 'traefik', traefik(encodeURIComponent(der(orders))), 'orders'],
  ['a chain', 'traefik', traefik(`${der(orders)},${der(billing)}`), 'orders'],
  ['two lines', 'traefik', traefik(`${der(billing)}, ${der(orders)}`), 'refused'],
  ['its form of text', 'traefik', traefik('Subject%3D%22CN%3Dorders%22'), 'refused'],
  ['text beside', 'traefik', { 'x-forwarded-tls-client-cert-info': 'Subject%3D%22CN%3Dorders%22' }, 'none'],
  [
    'a certificate with something behind it',
    'traefik',
    traefik(Buffer.concat([new X509Certificate(orders).raw, Buffer.from('x')]).toString('base64')),
    'refused',
  ],
  // RFC 9440
  ['a certificate', 'rfc9440', rfc9440(`:${der(orders)}:`), 'orders'],
  ['a certificate without colons', 'rfc9440', rfc9440(der(orders)), 'refused'],
  ['two certificates', 'rfc9440', rfc9440(`:${der(orders)}:, :${der(billing)}:`), 'refused'],
  [
    'a placeholder that was not filled',
    'rfc9440',
    rfc9440(':{http.request.tls.client.certificate_der_base64}:'),
    'refused',
  ],
];

for (const [what, format, headers, expected] of cases) {
  test(`${format}: ${what} → ${expected}`, () => assert.equal(told(format, headers), expected));
}

test('the headers of one form are nothing to another', () => {
  const all: Readonly<Record<CertificateFormat, Headers>> = {
    nginx: nginx(orders),
    nginx_subject: subject('CN=orders'),
    envoy: envoy('Subject="CN=orders"'),
    traefik: traefik(der(orders)),
    rfc9440: rfc9440(`:${der(orders)}:`),
  };
  for (const format of ['envoy', 'traefik', 'rfc9440'] as const) {
    const { [format]: _, ...others } = all;
    assert.equal(told(format, Object.assign({}, ...Object.values(others))), 'none', format);
  }
  assert.equal(told('nginx', { ...all.envoy, ...all.traefik, ...all.rfc9440 }), 'none');
});

test('of hosts where the proxy verifies nothing, nothing is believed', () => {
  const hosts = ['mtls.example.com', '*.zone.example'];
  for (const [host, expected] of [
    ['mtls.example.com', 'orders'],
    ['a.zone.example', 'orders'],
    ['a.b.zone.example', 'orders'],
    ['zone.example', 'none'],
    ['evilzone.example', 'none'],
    ['api.example.com', 'none'],
    ['mtls.example.com.evil.example', 'none'],
  ] as const)
    assert.equal(told('nginx', nginx(orders), hosts, host), expected, host);
});

test('the same text is one certificate: who is identified and dressed once', () => {
  const { read } = createToldCertificates('nginx', undefined);
  const ask = () => read('h', (name) => nginx(orders)[name]);
  const first = ask();
  assert.ok(first !== undefined);
  assert.equal(ask(), first);
});

test('a certificate that a proxy tells of meets the entries that it would meet in our own handshake', () => {
  for (const [format, headers] of [
    ['nginx', nginx(orders)],
    ['envoy', envoy(`Cert="${escaped(orders)}"`)],
    ['traefik', traefik(der(orders))],
    ['rfc9440', rfc9440(`:${der(orders)}:`)],
  ] as const) {
    const found = createToldCertificates(format, undefined).read('h', (name) => headers[name]);
    assert.ok(found !== undefined && !isRefusal(found));
    for (const entry of ['O=MyOrg,CN=orders', 'uri:spiffe://zone/orders', 'dns:localhost', `sha256:${hashOf(orders)}`])
      assert.equal(certificateTest(entry)?.(found), true, `${format}: ${entry}`);
  }
});

test('whatever text comes, nobody is made of it and nothing is thrown', () => {
  const unit = fc.constantFrom(...'MII=%2B,:;"\\ -BEGINCERTIFICATE\nab01'.split(''));
  const formats = ['nginx', 'envoy', 'traefik', 'rfc9440'] as const;
  fc.assert(
    fc.property(fc.constantFrom(...formats), fc.string({ unit, maxLength: 300 }), (format, text) => {
      const headers = {
        ...success,
        'ssl-client-cert': text,
        ...envoy(`Cert="${text}"`),
        ...traefik(text),
        ...rfc9440(text),
      };
      assert.ok(['none', 'refused'].includes(told(format, headers)));
    }),
    { numRuns: 500 },
  );
});
