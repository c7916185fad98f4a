import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientCertificateOf } from '../core/client-certificate.ts';
import { requestWith } from '../core/harness.test.ts';
import { anonymous } from '../core/identity.ts';
import { createAllowedClientsCheck } from './allowed-clients.ts';

const fingerprint256 = 'AB'.repeat(32);

type Shown = Readonly<{ subject?: string; subjectAltName?: string }> | undefined;

const gateway = { subject: 'O=MyOrg\nCN=api-gateway-client' };

/** The code of the refusal; undefined where the client may come in. */
const outcome = (entries: readonly string[], shown: Shown): string | undefined => {
  const certificate = shown && clientCertificateOf({ fingerprint256, ...shown });
  const request = { ...requestWith(), certificate };
  return createAllowedClientsCheck(entries)(request, anonymous, 'enforce')?.code;
};

type Case = readonly [what: string, entries: readonly string[], shown: Shown];

const seed = ['CN=api-gateway-client,O=MyOrg'];

const admitted: readonly Case[] = [
  ['the name of the entry', seed, gateway],
  ['the same attributes in another order', seed, { subject: 'CN=api-gateway-client\nO=MyOrg' }],
  ['the same attributes, of which two are one part of the name', seed, { subject: 'O=MyOrg + CN=api-gateway-client' }],
  ['one of several entries', ['CN=other', 'dns:gateway.zone1', ...seed], gateway],
  ['a SPIFFE id', ['uri:spiffe://zone/gateway'], { subjectAltName: 'DNS:x, URI:spiffe://zone/gateway' }],
  ['a DNS name in other case', ['dns:Gateway.Zone1'], { subjectAltName: 'DNS:gateway.zone1' }],
  ['a fingerprint', [`sha256:${fingerprint256}`], {}],
  ['any certificate, where no entry names one', [], { subject: 'CN=somebody' }],
];

for (const [what, entries, shown] of admitted) {
  test(`a client may come in by ${what}`, () => assert.equal(outcome(entries, shown), undefined));
}

const refused: readonly Case[] = [
  ['without a certificate', seed, undefined],
  ['without a certificate, where any will do', [], undefined],
  ['under another name', seed, { subject: 'O=MyOrg\nCN=order-service-client' }],
  ['with one attribute of two', seed, { subject: 'CN=api-gateway-client' }],
  ['with one attribute more', seed, { subject: 'O=MyOrg\nOU=x\nCN=api-gateway-client' }],
  ['with the name inside another’s value', seed, { subject: 'O=MyOrg\nCN=x\\,CN=api-gateway-client' }],
  ['with the whole entry as a value', seed, { subject: 'CN=api-gateway-client\\,O=MyOrg' }],
  ['with the part of a name inside a value', seed, { subject: 'O=MyOrg\nCN=x \\+ CN=api-gateway-client' }],
  ['with a line break inside a value', seed, { subject: 'O=MyOrg\nCN=x\\0ACN=api-gateway-client' }],
  ['with the name twice', seed, { subject: 'O=MyOrg\nCN=api-gateway-client\nCN=api-gateway-client' }],
  ['in other case', seed, { subject: 'O=MyOrg\nCN=API-gateway-client' }],
  ['by a URI that stands in a DNS name', ['uri:spiffe://a'], { subjectAltName: 'DNS:"x, URI:spiffe://a"' }],
  ['by the beginning of a SPIFFE id', ['uri:spiffe://a'], { subjectAltName: 'URI:spiffe://a/b' }],
  ['with a name that cannot be read', seed, { subject: 'CN=a\\zO=MyOrg\nCN=api-gateway-client' }],
];

for (const [what, entries, shown] of refused) {
  test(`no client comes in ${what}`, () => assert.equal(outcome(entries, shown), 'certificate_refused'));
}

test('an entry that cannot be read is no entry that lets nobody in', () => {
  for (const entry of ['api-gateway-client', 'CN="a"', 'sha256:00', ''])
    assert.throws(() => createAllowedClientsCheck([entry]), TypeError, entry);
});
