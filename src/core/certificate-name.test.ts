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

/** As people write one attribute: its type by any of its names, its value with or without escapes. */
const spellings = {
  cn: ['CN', 'cn', 'commonName', '2.5.4.3'],
  o: ['O', 'o', 'organizationName', '2.5.4.10'],
  ou: ['OU', 'Ou', 'organizationalUnitName', '2.5.4.11'],
} as const;

const attribute = fc.record({
  type: fc.constantFrom(...(['cn', 'o', 'ou'] as const)),
  value: fc.string({ unit: fc.constantFrom(...'ab=,+;"\\<># é\u{1F511}'), minLength: 1, maxLength: 8 }),
});

/** What a value needs by RFC 4514 section 2.4, or every octet of it by its number. */
const written = (value: string, byNumber: boolean): string =>
  byNumber
    ? [...Buffer.from(value)].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('')
    : value.replace(/[,+;"\\<>]|^[ #]| $/g, '\\$&');

const spelled = fc.array(
  fc.tuple(
    attribute,
    fc.nat({ max: 3 }),
    fc.boolean(),
    fc.constantFrom(',', '+', ', ', ' + '),
    fc.double({ noNaN: true }),
  ),
  { minLength: 1, maxLength: 5 },
);

type Spelled = typeof spelled extends fc.Arbitrary<infer T> ? T : never;

const nameOf = (attributes: Spelled): string =>
  attributes
    .map(
      ([{ type, value }, at, byNumber, separator], index) =>
        `${index === 0 ? '' : separator}${spellings[type][at]}=${written(value, byNumber)}`,
    )
    .join('');

test('a name is the same in any order, with any types and escapes of the same meaning', () => {
  fc.assert(
    fc.property(spelled, (attributes) => {
      const plain = nameOf(attributes.map(([one]) => [one, 0, true, ',', 0]));
      const shuffled = nameOf(attributes.toSorted(([, , , , a], [, , , , b]) => a - b));
      assert.notEqual(canonicalName(plain), undefined);
      assert.equal(canonicalName(shuffled), canonicalName(plain), shuffled);
    }),
  );
});

test('a name with an attribute more, less, or another is another name', () => {
  fc.assert(
    fc.property(spelled, attribute, (attributes, more) => {
      const name = canonicalName(nameOf(attributes));
      assert.notEqual(canonicalName(nameOf([...attributes, [more, 0, true, ',', 0]])), name);
      assert.notEqual(
        canonicalName(nameOf([...attributes.slice(1), [{ ...more, value: 'c' }, 0, true, ',', 0]])),
        name,
      );
      if (attributes.length > 1) assert.notEqual(canonicalName(nameOf(attributes.slice(1))), name);
    }),
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
