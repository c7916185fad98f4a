import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPeers, type Peer } from './peers.ts';

const peers = createPeers(['10.0.0.0/8', '192.0.2.7', '2001:db8:aaaa::/48', '::1/128']);
const proxy: Peer = { ip: '10.0.0.1', trusted: true };
const stranger: Peer = { ip: '198.51.100.9', trusted: false };

const socketOf = (remoteAddress: string | undefined) => ({ remoteAddress }) as Socket;

// biome-ignore format: a table is read by its columns
const connections: readonly (readonly [remoteAddress: string | undefined, ip: string, trusted: boolean])[] = [
  ['10.1.2.3', '10.1.2.3', true], ['::ffff:10.1.2.3', '10.1.2.3', true], ['::ffff:a01:203', '10.1.2.3', true],
  ['11.0.0.1', '11.0.0.1', false], ['::ffff:11.0.0.1', '11.0.0.1', false],
  ['192.0.2.7', '192.0.2.7', true], ['192.0.2.8', '192.0.2.8', false],
  ['2001:db8:aaaa:1::5', '2001:db8:aaaa:1::5', true], ['2001:db8:aaab::5', '2001:db8:aaab::5', false],
  ['::1', '::1', true], ['127.0.0.1', '127.0.0.1', false], ['fe80::1%eth0', 'fe80::1%eth0', false],
  [undefined, '', false], ['', '', false],
];

for (const [remoteAddress, ip, trusted] of connections) {
  test(`a connection from ${remoteAddress} is ${trusted ? 'a proxy' : 'a stranger'}`, () => {
    assert.deepEqual(peers.of(socketOf(remoteAddress)), { ip, trusted });
  });
}

test('a connection is judged once', () => {
  const socket = socketOf('10.0.0.1');
  assert.equal(peers.of(socket), peers.of(socket));
});

// biome-ignore format: a table is read by its columns
const chains: readonly (readonly [forwardedFor: string | undefined, realIp: string | undefined, ip: string])[] = [
  ['203.0.113.5', undefined, '203.0.113.5'],
  ['1.1.1.1, 203.0.113.5', undefined, '203.0.113.5'],
  ['1.1.1.1, 203.0.113.5, 10.0.0.9', undefined, '203.0.113.5'],
  ['203.0.113.5,10.0.0.9,192.0.2.7', undefined, '203.0.113.5'],
  ['  203.0.113.5 ,\t10.0.0.9  ', undefined, '203.0.113.5'],
  ['10.0.0.7, 10.0.0.8', undefined, '10.0.0.7'],
  // Spoofed entries stand before what the proxies wrote, however many there are.
  [`${'1.1.1.1, '.repeat(25)}203.0.113.5`, undefined, '203.0.113.5'],
  [`${'1.1.1.1,'.repeat(5_000)}203.0.113.5`, undefined, '203.0.113.5'],
  [`${','.repeat(60_000)}203.0.113.5`, undefined, '203.0.113.5'],
  [`${'10.0.0.1, '.repeat(25)}10.0.0.2`, undefined, '10.0.0.1'],
  // IPv6, and IPv4 in its clothes.
  ['2001:db8::5', undefined, '2001:db8::5'], ['2001:DB8:0:0::5', undefined, '2001:db8::5'],
  ['::ffff:203.0.113.5', undefined, '203.0.113.5'], ['203.0.113.5, ::ffff:10.0.0.9', undefined, '203.0.113.5'],
  ['203.0.113.5, 2001:db8:aaaa::9', undefined, '203.0.113.5'],
  // Ports.
  ['203.0.113.5:4711', undefined, '203.0.113.5'], ['[2001:db8::5]:4711', undefined, '2001:db8::5'], ['[2001:db8::5]', undefined, '2001:db8::5'],
  ['203.0.113.5, 10.0.0.9:443', undefined, '203.0.113.5'], ['[::ffff:203.0.113.5]:1', undefined, '203.0.113.5'],
  // What is no address is nobody, and hides nobody behind a proxy's own address.
  ['unknown', undefined, ''], ['203.0.113.5, unknown', undefined, ''], ['unknown, 10.0.0.9', undefined, ''], ['_hidden, 10.0.0.9', undefined, ''],
  ['1.1.1.1, , 10.0.0.9', undefined, ''], ['', undefined, ''], [',', undefined, ''], [' ', undefined, ''],
  ['203.0.113.5.', undefined, ''], ['203.0.113', undefined, ''], ['3405803781', undefined, ''], ['0xcb007105', undefined, ''], ['0313.0.0161.05', undefined, ''], ['999.1.1.1', undefined, ''],
  ['203.0.113.5:', undefined, ''], ['203.0.113.5:80:80', undefined, ''], ['[203.0.113.5', undefined, ''], ['2001:db8::5]:80', undefined, ''], ['<script>', undefined, ''], ['203.0.113.5\n', undefined, '203.0.113.5'],
  // nginx's own header counts where there is no chain.
  [undefined, '203.0.113.5', '203.0.113.5'], [undefined, '::ffff:203.0.113.5', '203.0.113.5'], [undefined, 'rubbish', ''], [undefined, undefined, ''],
  [undefined, '1.1.1.1, 203.0.113.5', '203.0.113.5'], ['203.0.113.5', '1.1.1.1', '203.0.113.5'],
];

for (const [forwardedFor, realIp, ip] of chains) {
  const show = JSON.stringify(forwardedFor ?? `X-Real-IP ${realIp}`);
  test(`${show.length > 60 ? `${show.slice(0, 60)}…` : show} → ${ip || 'unknown'}`, () => {
    assert.equal(peers.clientIp(proxy, forwardedFor, realIp), ip);
  });
}

test('nothing that a stranger says is believed', () => {
  assert.equal(peers.clientIp(stranger, '203.0.113.5', '203.0.113.5'), '198.51.100.9');
});

test('no text makes it throw, or give what is no address', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('10.0.0.1', '[::1]:1', ',', ':'),
  );
  fc.assert(
    fc.property(fc.array(text), (parts) =>
      /^[\d.]*$|^[0-9a-f:.]+(%\w+)?$/.test(peers.clientIp(proxy, parts.join(','), undefined)),
    ),
    { numRuns: 1_000 },
  );
});
