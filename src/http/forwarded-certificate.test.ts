import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { certificateTest } from '../core/client-certificate.ts';
import { readForwardedCertificate } from './forwarded-certificate.ts';

const hash = 'AB'.repeat(32);

const meets = (header: string, entry: string): boolean | undefined => {
  const certificate = readForwardedCertificate(header);
  return certificate && certificateTest(entry)?.(certificate);
};

const istio = `By=spiffe://cluster.local/ns/egress/sa/sallyport;Hash=${hash};Subject="CN=orders,O=Acme\\, Inc";URI=spiffe://cluster.local/ns/shop/sa/orders;DNS=orders.shop;DNS=orders`;

test('a certificate that Envoy tells of is met by its subject, its names and its fingerprint', () => {
  for (const entry of [
    'uri:spiffe://cluster.local/ns/shop/sa/orders',
    'dns:orders.shop',
    'dns:orders',
    `sha256:${hash}`,
    'O=Acme\\, Inc,CN=orders',
  ])
    assert.equal(meets(istio, entry), true, entry);
  assert.equal(meets(istio, 'uri:spiffe://cluster.local/ns/egress/sa/sallyport'), false, 'By is we');
});

test('of several elements the last counts, which the nearest proxy wrote', () => {
  assert.equal(meets(`URI=spiffe://forged,${istio}`, 'uri:spiffe://forged'), false);
  assert.equal(meets(`${istio}, URI=spiffe://gateway`, 'uri:spiffe://gateway'), true);
  assert.equal(meets(`${istio}, URI=spiffe://gateway`, 'uri:spiffe://cluster.local/ns/shop/sa/orders'), false);
});

test('what stands in quotation marks begins no other key and no other element', () => {
  for (const header of [
    'Subject="CN=x,URI=spiffe://zone/orders"',
    'Subject="CN=x;URI=spiffe://zone/orders"',
    'Subject="CN=x\\",URI=spiffe://zone/orders"',
    'Cert="a,URI=spiffe://zone/orders";DNS=x',
  ])
    assert.notEqual(meets(header, 'uri:spiffe://zone/orders'), true, header);
});

test('what cannot be read names nobody', () => {
  for (const header of [
    ...['', ',', ';', 'By=a', 'Subject=""', 'URI', 'URI=', '=a', 'Subject="CN=a', 'Subject="CN=a"x', 'URI="a"b;DNS=c'],
    ...['URI=a,', 'URI=a;', 'URI=a,,URI=b', 'Subject="CN=a";Subject="CN=b"', `URI=${'a'.repeat(20_000)}`],
  ])
    assert.equal(readForwardedCertificate(header), undefined, header.slice(0, 40));
});

test('no text makes it throw, or takes long', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'URIDNS=;,"\\ a'.split('')), maxLength: 200 }), (text) => {
      readForwardedCertificate(text);
    }),
  );
  const startedAt = performance.now();
  readForwardedCertificate(`Subject="${'\\'.repeat(16_000)}`);
  readForwardedCertificate(' '.repeat(16_000));
  assert.ok(performance.now() - startedAt < 500);
});
