import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createAuthority } from '../test/servers/certificates.ts';
import { certificatesIn, checkPair, type PemFile, revocationListsIn } from './pem.ts';

const authority = createAuthority({ after });
const leaf = authority.issue('leaf');
const other = authority.issue('other');
const rsa = authority.issue('rsa', undefined, { keyType: 'rsa' });
const chained = authority.intermediate('zone').issue('chained');

const read = (path: string): PemFile => ({ path, content: readFileSync(path) });
const cert = read(leaf.cert);
const holding = (content: string | Buffer): PemFile => ({ path: '/etc/certs/x.pem', content: Buffer.from(content) });

test('certificate and key of one pair are taken, and the certificate is the first of its file', () => {
  assert.equal(checkPair(cert, read(leaf.key)).subject, 'CN=leaf');
  assert.equal(checkPair(read(chained.cert), read(chained.key)).subject, 'CN=chained');
  assert.equal(certificatesIn(read(chained.cert)).length, 2);
});

const der = Buffer.from(cert.content.toString().replace(/-----.*-----|\n/g, ''), 'base64');
const half = cert.content.subarray(0, cert.content.length / 2);

for (const [what, content, problem] of [
  ['an empty file', '', /x\.pem: no certificate in it/],
  ['a file of nothing but blank lines', '\n\n', /x\.pem: no certificate in it/],
  ['text', 'to be done', /x\.pem: no certificate in it/],
  ['DER', der, /x\.pem: no certificate in it/],
  ['a key', readFileSync(leaf.key), /x\.pem: no certificate in it/],
  ['the first half of a file', half, /x\.pem: cut off in the middle/],
  ['a second certificate that is cut off', Buffer.concat([cert.content, half]), /x\.pem: cut off in the middle/],
  ['the end of a file', cert.content.subarray(100), /x\.pem: cut off in the middle/],
  ['broken base64', cert.content.toString().replace('MII', 'MIX'), /x\.pem: certificate 1 cannot be read/],
] as const) {
  test(`${what} is no file of certificates, and is told of with its path`, () => {
    assert.throws(() => certificatesIn(holding(content)), problem);
    assert.throws(() => checkPair(holding(content), read(leaf.key)), problem);
  });
}

for (const [what, key] of [
  ['of another certificate', other.key],
  ['of another kind', rsa.key],
] as const) {
  test(`a key ${what} is refused, and both files are named`, () => {
    assert.throws(
      () => checkPair(cert, read(key)),
      new RegExp(`${key}: not the key of the certificate in ${leaf.cert}`),
    );
  });
}

test('what is no private key is refused', () => {
  for (const content of ['', cert.content, readFileSync(leaf.key).subarray(0, 80)])
    assert.throws(() => checkPair(cert, holding(content)), /x\.pem: no private key that can be read/);
});

test('every list of revoked certificates in a file counts, and a file without one is refused', () => {
  const [first, second] = [readFileSync(authority.revoked()), readFileSync(createAuthority({ after }).revoked())];
  assert.equal(revocationListsIn(holding(Buffer.concat([first, second]))).length, 2);
  assert.throws(() => revocationListsIn(holding('')), /no list of revoked certificates in it/);
  assert.throws(() => revocationListsIn(holding(first.subarray(0, 90))), /cut off/);
});
