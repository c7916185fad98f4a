import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientCertificateOf } from '../core/client-certificate.ts';
import { identifyByCertificate } from './certificate.ts';

const fingerprint256 = 'ab'.repeat(32);

for (const [what, subject, subjectAltName, expected] of [
  ['its SPIFFE id', 'O=MyOrg\nCN=orders', 'URI:https://other, URI:spiffe://zone/orders', 'spiffe://zone/orders'],
  ['its first URI', 'CN=orders', 'DNS:orders.svc, URI:https://one, URI:https://two', 'https://one'],
  ['its common name', 'C=DE\nO=MyOrg\nCN=api-gateway-client', 'DNS:orders.svc', 'api-gateway-client'],
  ['a common name with what separates names', 'CN=x\\,CN=orders', '', 'x,CN=orders'],
  ['the whole subject, where it has two common names', 'CN=a\nCN=b', '', 'CN=b,CN=a'],
  ['the whole subject, where it has no common name', 'O=MyOrg\nOU=orders', '', 'OU=orders,O=MyOrg'],
  ['its DNS name, where it has no subject', '', 'DNS:orders.svc', 'orders.svc'],
  ['its fingerprint, where it has no name', '', '', `sha256=${fingerprint256}`],
  ['the whole subject, where that cannot be read', 'CN="a', '', 'CN="a'],
] as const) {
  test(`a certificate goes by ${what}`, () => {
    const certificate = clientCertificateOf({ subject, subjectAltName, fingerprint256 });
    const { subject: user, scopes, roles, claims } = identifyByCertificate(certificate);
    assert.equal(user, expected);
    assert.deepEqual([scopes, roles, claims], [[], [], {}], 'and has no rights by itself');
  });
}
