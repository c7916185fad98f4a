import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalIpRange, isInRange, parseIpRange } from './ip-range.ts';

const isIn = (ip: string, ...ranges: string[]): boolean =>
  isInRange(
    ip,
    ranges.map((range) => parseIpRange(range) ?? assert.fail(range)),
  );

test('a range is kept in one form', () => {
  for (const [written, kept] of [
    ['10.0.0.1', '10.0.0.1/32'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8:0:0::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:10.0.0.1', '10.0.0.1/32'],
  ] as const) {
    assert.equal(canonicalIpRange(written), kept);
    assert.equal(canonicalIpRange(kept), kept);
  }
});

test('what can be read in two ways, or in none, is no range', () => {
  for (const text of [
    ...['', '/', '10', '10.1', '010.0.0.1', '0x0a.0.0.1', '10.0.0.1/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08'],
    ...['10.0.0.0/8/8', '10.0.0.0 /8', ' 10.0.0.0/8', '10.0.0.0/8 ', '10.0.0.0/+8', '10.0.0.0/8.0', '10.0.0.1/8'],
    ...['fe80::1%eth0', 'fe80::%eth0/64', '2001:db8::1/32', '::/129', '[::1]', '10.0.0.256', 'localhost', '*'],
  ]) {
    assert.equal(parseIpRange(text), undefined, text);
  }
});

test('an address is in a range by its first bits, however it is written', () => {
  assert.ok(isIn('10.1.2.3', '10.0.0.0/8'));
  assert.ok(isIn('::ffff:10.1.2.3', '10.0.0.0/8'));
  assert.ok(isIn('2001:db8::5', '192.0.2.0/24', '2001:db8::/32'));
  assert.ok(!isIn('11.0.0.0', '10.0.0.0/8'));
  assert.ok(!isIn('10.1.2.3', '::/0'), 'IPv4 is not IPv6');
  assert.ok(!isIn('::1', '0.0.0.0/0'));
});

test('no address, and what is none, is in no range', () => {
  for (const ip of ['', ' ', '10.1', '10.0.0.1:80', 'fe80::1%eth0', 'unknown', '[::1]']) {
    assert.ok(!isIn(ip, '0.0.0.0/0', '::/0'), ip);
  }
});

test('ranges agree with those of Node', () => {
  const agree = (family: 'ipv4' | 'ipv6', ip: fc.Arbitrary<string>, most: number) =>
    fc.assert(
      fc.property(ip, fc.nat(most), ip, (network, bits, other) => {
        const parsed = parseIpRange(`${network}/${bits}`);
        if (!parsed) return true;
        const list = new BlockList();
        list.addSubnet(network, bits, family);
        return [network, other].every((address) => isInRange(address, [parsed]) === list.check(address, family));
      }),
      { numRuns: 2_000 },
    );
  agree('ipv4', fc.ipV4(), 32);
  const group = fc.nat(0xffff).map((value) => value.toString(16));
  // Not what stands for IPv4, which has a test of its own.
  const ipv6 = fc.tuple(fc.integer({ min: 1, max: 0xffff }), fc.array(group, { minLength: 7, maxLength: 7 }));
  agree(
    'ipv6',
    ipv6.map(([first, rest]) => [first.toString(16), ...rest].join(':')),
    128,
  );
  agree('ipv6', fc.constantFrom('::', '2001:db8::', '2001:db8::1', '2001:db9::', 'fe80::', 'ffff::'), 128);
});

test('no text makes the reading throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseIpRange(text) === undefined));
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdef.:/%') }), (text) => {
      const kept = canonicalIpRange(text);
      return kept === undefined || canonicalIpRange(kept) === kept;
    }),
  );
});
