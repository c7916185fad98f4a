import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalName, canonicalPrintedName } from './certificate-name.ts';

const sameNames = [
  ['CN=orders,O=Example', 'O=Example, CN=orders'],
  ['cn=orders , o = Example', 'commonName=orders+2.5.4.10=Example'],
  ['CN=M\\C3\\B6bel', 'CN=Möbel'],
  ['CN=a\\, b', 'CN=a\\2c b'],
  ['CN=100%', 'CN=100\\25'],
  ['E=a@b.c', 'emailAddress=a@b.c'],
] as const;

const otherNames = [
  ['CN=orders', 'CN=orders,O=Example'],
  ['CN=orders', 'CN=Orders'],
  ['CN=orders', 'OU=orders'],
  ['CN=orders', 'CN=orders,CN=orders'],
  ['CN=x\\,CN=orders', 'CN=x,CN=orders'],
  ['CN=x\\+CN=orders', 'CN=x+CN=orders'],
  ['CN=a\\ ', 'CN=a'],
] as const;

test('names are equal where their attributes are, in whatever order and spelling', () => {
  for (const [one, other] of sameNames) {
    assert.notEqual(canonicalName(one), undefined, one);
    assert.equal(canonicalName(one), canonicalName(other), one);
  }
});

test('a separator that is escaped separates nothing', () => {
  for (const [one, other] of otherNames) {
    assert.notEqual(canonicalName(one), undefined, one);
    assert.notEqual(canonicalName(one), canonicalName(other), one);
  }
});

test('what can be read in two ways, or in none, is no name', () => {
  const wrong = [
    '',
    'orders',
    '=orders',
    'CN=',
    'CN= ',
    'CN=a,',
    ',CN=a',
    'CN=a,,O=b',
    'CN="a"',
    'CN=#0401',
    'CN=a;O=b',
  ];
  for (const text of [...wrong, 'CN=a\\', 'CN=a\\z', 'CN=\\C3', 'CN=<a>', 'C N=a', '/CN=a/O=b', 'CN=a,b'])
    assert.equal(canonicalName(text), undefined, text);
});

test('a name that OpenSSL prints is the one that people write', () => {
  for (const [printed, written] of [
    ['C=DE\nOU=Möbel + O=Acme\\, Inc\nCN=orders', 'CN=orders,OU=Möbel,O=Acme\\, Inc,C=DE'],
    ['CN=x\\,CN=orders', 'CN=x\\,CN=orders'],
    ['CN=a\\0ACN=orders', 'CN=a\\0ACN=orders'],
    ['CN=a=b', 'CN=a=b'],
  ] as const)
    assert.equal(canonicalPrintedName(printed), canonicalName(written), printed);
});

test('any value that is escaped is one value', () => {
  const escaped = (value: string) =>
    [...Buffer.from(value)].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('');
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({ unit: 'grapheme', minLength: 1 }),
      (a, b) => {
        const name = canonicalName(`CN=${escaped(a)},O=${escaped(b)}`);
        assert.equal(name, JSON.stringify([`cn=${a}`, `o=${b}`]));
      },
    ),
  );
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'CN=\\,+ \n#"aé%2C'.split('')) }), (text) => {
      canonicalName(text);
      canonicalPrintedName(text);
    }),
  );
});
