import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { createGuardedLookup, ForbiddenAddress, isForbiddenAddress, isPrivateAddress } from './address-guard.ts';

const forbidden = [
  // Cloud metadata services: AWS, GCP, Azure, DigitalOcean, OpenStack; AWS tasks, pods and IPv6; Alibaba; Oracle; Azure's wire server.
  ...['169.254.169.254', '169.254.170.2', '169.254.170.23', 'fd00:ec2::254', 'fd00:ec2::23', 'fd00:0ec2:0:0:0:0:0:254'],
  ...['100.100.100.200', '192.0.0.192', '168.63.129.16'],
  // Link-local, multicast, unspecified, broadcast.
  ...['169.254.0.1', '169.254.255.255', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
  ...['224.0.0.1', '239.255.255.250', 'ff02::1', '0.0.0.0', '0.1.2.3', '::', '255.255.255.255'],
  // An IPv4 address in the clothes of IPv6: mapped, compatible, NAT64, 6to4.
  ...['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '0:0:0:0:0:ffff:a9fe:a9fe', '::ffff:0.0.0.0', '::FFFF:A9FE:A9FE'],
  ...['::169.254.169.254', '::a9fe:a9fe', '64:ff9b::169.254.169.254', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1'],
  ...['64:ff9b:1::a9fe:a9fe', '::ffff:0:a9fe:a9fe'],
  // Not an address at all.
  ...['', 'localhost', '999.1.1.1', '169.254.169.254:80', '[::1]', ' 127.0.0.1'],
];

const allowed = [
  ...[
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    'fd12:3456::1',
    '8.8.8.8',
    '2606:4700::1',
  ],
  ...['::ffff:10.0.0.1', '64:ff9b::8.8.8.8', '169.253.169.254', '169.255.0.1', '100.100.100.201', '2002:808:808::1'],
];

test('no spelling of a metadata, link-local, multicast or unspecified address is let through', () => {
  for (const address of forbidden) assert.equal(isForbiddenAddress(address), true, address);
});

test('private, loopback and public addresses are', () => {
  for (const address of allowed) assert.equal(isForbiddenAddress(address), false, address);
});

const inner = [
  ...['127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1'],
  ...['192.0.2.1', '198.18.0.1', '203.0.113.1', '240.0.0.1'],
  ...['::1', 'fc00::1', 'fd12:3456::1', 'fec0::1', '100::1', '2001:db8::1', '2001:2::1'],
  // Private ones in the clothes of IPv6, and public ones in clothes that nobody wears any more.
  ...['::ffff:10.0.0.1', '::ffff:7f00:1', '::7f00:1', '::127.0.0.1', '64:ff9b::10.0.0.1', '64:ff9b::7f00:1'],
  ...['64:ff9b:1::808:808', '2002:a00:1::1', '2002:7f00:1::1', '2002:808:808::1', '::808:808', '::ffff:0:a00:1'],
];

test('no spelling of a private, loopback or reserved address is taken for a public one', () => {
  for (const address of [...inner, ...forbidden]) assert.equal(isPrivateAddress(address), true, address);
});

test('public addresses are public, also behind a NAT64 gateway', () => {
  for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1', '64:ff9b::8.8.8.8', '::ffff:8.8.8.8'])
    assert.equal(isPrivateAddress(address), false, address);
});

test('a URL spells addresses in one way, whatever was written', () => {
  for (const host of [
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '[::ffff:169.254.169.254]',
    '１６９.254.169.254',
  ]) {
    const { hostname } = new URL(`http://${host}/`);
    assert.equal(isForbiddenAddress(hostname.replace(/^\[|\]$/g, '')), true, host);
  }
});

type Answer = { error: Error | null; address: string | LookupAddress[]; family: number | undefined };

const lookUp = (addresses: LookupAddress[], all: boolean): Promise<Answer> =>
  new Promise((resolve) => {
    const lookup = createGuardedLookup((_name, _options, answer) => answer(null, addresses));
    lookup('name.example', { all }, (error, address, family) => resolve({ error, address, family }));
  });

const good = { address: '10.0.0.1', family: 4 };
const bad = { address: '169.254.169.254', family: 4 };

for (const [what, addresses] of [
  ['the only answer', [bad]],
  ['one of several answers', [good, bad]],
  ['an answer in IPv6 spelling', [{ address: '::ffff:169.254.169.254', family: 6 }]],
] as const) {
  test(`a name is refused where ${what} of DNS is forbidden`, async () => {
    for (const all of [true, false]) {
      const { error } = await lookUp([...addresses], all);
      assert.ok(error instanceof ForbiddenAddress);
    }
  });
}

test('a good name resolves to all of its addresses, or to the first', async () => {
  assert.deepEqual(await lookUp([good, good], true), { error: null, address: [good, good], family: undefined });
  assert.deepEqual(await lookUp([good], false), { error: null, address: '10.0.0.1', family: 4 });
  const { error } = await lookUp([], true);
  assert.match(String(error), /has no address/);
});
