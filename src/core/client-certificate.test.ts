import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateLabel, certificateTest, clientCertificateOf } from './client-certificate.ts';

const fingerprint256 = Array.from({ length: 32 }, (_, index) => index.toString(16).padStart(2, '0').toUpperCase()).join(
  ':',
);

const certificate = clientCertificateOf({
  subject: 'C=DE\nO=Acme\\, Inc\nCN=orders',
  issuer: 'CN=ca',
  fingerprint256,
  subjectAltName: 'DNS:Orders.svc, URI:spiffe://zone/orders, DNS:"a, URI:spiffe://zone/admin", IP Address:127.0.0.1',
});

test('a certificate is met by its subject, a URI, a DNS name or its fingerprint', () => {
  for (const entry of [
    'CN=orders,O=Acme\\, Inc,C=DE',
    'uri:spiffe://zone/orders',
    'dns:orders.svc',
    'dns:ORDERS.svc',
    `sha256:${fingerprint256}`,
    `sha256:${fingerprint256.replaceAll(':', '').toLowerCase()}`,
  ])
    assert.equal(certificateTest(entry)?.(certificate), true, entry);
});

test('a part of a name, or a name within a name, meets nothing', () => {
  for (const entry of [
    'CN=orders',
    'O=Acme',
    'uri:spiffe://zone/admin',
    'uri:spiffe://zone',
    'dns:svc',
    'dns:127.0.0.1',
    `sha256:${'0'.repeat(64)}`,
  ])
    assert.equal(certificateTest(entry)?.(certificate), false, entry);
});

test('what names no certificate is no entry', () => {
  for (const entry of ['', 'orders', 'uri:', 'sha256:00', 'sha1:aa', `sha256:${'g'.repeat(64)}`])
    assert.equal(certificateTest(entry), undefined, entry);
});

test('alternative names that cannot be read are none at all', () => {
  for (const subjectAltName of ['DNS:a, URI:"spiffe', 'DNS:a"b', 'URI:"\\x41", DNS:a', ', DNS:a', 'DNS']) {
    const { uris, dnsNames } = clientCertificateOf({ fingerprint256, subjectAltName });
    assert.deepEqual([uris, dnsNames], [[], []], subjectAltName);
  }
});

test('a certificate without a subject is met by none, and goes by what it has', () => {
  const bare = clientCertificateOf({ fingerprint256 });
  assert.equal(certificateTest('CN=orders')?.(bare), false);
  assert.match(certificateLabel(bare), /^sha256=0001/);
  assert.equal(certificateLabel(certificate), 'spiffe://zone/orders');
  assert.equal(certificateLabel({ ...certificate, uris: [] }), 'CN=orders,O=Acme\\, Inc,C=DE');
});
