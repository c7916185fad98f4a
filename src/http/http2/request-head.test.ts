import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readHead } from './request-head.ts';

const base = { ':method': 'GET', ':scheme': 'https', ':authority': 'a.example', ':path': '/x?y' };
const head = (
  changes: Readonly<Record<string, string | undefined>> = {},
  more: readonly string[] = [],
  hasBody = false,
) =>
  readHead(
    [
      ...Object.entries({ ...base, ...changes }).flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
      ...more,
    ],
    hasBody,
  );

test('a head is what HTTP/1.1 would have said', () => {
  assert.deepEqual(head({}, ['accept', '*/*', 'te', 'trailers', 'x-a', '1', 'x-a', '2']), {
    method: 'GET',
    url: '/x?y',
    rawHeaders: ['Host', 'a.example', 'accept', '*/*', 'te', 'trailers', 'x-a', '1', 'x-a', '2'],
  });
});

test('cookies that came in crumbs are one line', () => {
  assert.deepEqual(head({}, ['cookie', 'a=1', 'x', 'y', 'cookie', 'b=2', 'cookie', 'c=3'])?.rawHeaders, [
    ...['Host', 'a.example', 'cookie', 'a=1; b=2; c=3', 'x', 'y'],
  ]);
});

test('a body without a length comes in chunks, and one with a length as it is', () => {
  assert.deepEqual(head({}, [], true)?.rawHeaders.slice(2), ['transfer-encoding', 'chunked']);
  assert.deepEqual(head({}, ['content-length', '3'], true)?.rawHeaders.slice(2), ['content-length', '3']);
});

test('a host may be named by either field, and by both where they say the same', () => {
  assert.equal(head({ ':authority': undefined }, ['host', 'b.example'])?.rawHeaders[1], 'b.example');
  assert.equal(head({}, ['host', 'A.example'])?.rawHeaders[1], 'a.example');
});

for (const [what, changes, more] of [
  ['another host than the authority', {}, ['host', 'b.example']],
  ['the same host with another port', {}, ['host', 'a.example:444']],
  ['two hosts', { ':authority': undefined }, ['host', 'a.example', 'host', 'a.example']],
  ['an empty host beside an authority', {}, ['host', '']],
  ['an empty authority beside a host', { ':authority': '' }, ['host', 'a.example']],
  ['no host', { ':authority': undefined }, []],
  ['two paths', {}, [':path', '/y']],
  ['no path', { ':path': undefined }, []],
  ['an empty path', { ':path': '' }, []],
  ['a whole URL for a path', { ':path': 'https://b.example/' }, []],
  ['a path without its slash', { ':path': 'x' }, []],
  ['a star for another method than OPTIONS', { ':path': '*' }, []],
  ['no method', { ':method': undefined }, []],
  ['CONNECT', { ':method': 'CONNECT', ':path': undefined, ':scheme': undefined }, []],
  ['CONNECT for a WebSocket', { ':method': 'CONNECT', ':protocol': 'websocket' }, []],
  ['another scheme', { ':scheme': 'ftp' }, []],
  ['no scheme', { ':scheme': undefined }, []],
  ['Connection', {}, ['connection', 'x-user-id']],
  ['Keep-Alive', {}, ['keep-alive', 'timeout=5']],
  ['Proxy-Connection', {}, ['proxy-connection', 'close']],
  ['Transfer-Encoding', {}, ['transfer-encoding', 'chunked']],
  ['Upgrade', {}, ['upgrade', 'websocket']],
  ['HTTP2-Settings', {}, ['http2-settings', 'AAMAAABkAAQAAP__']],
  ['TE for more than trailers', {}, ['te', 'gzip']],
] as const) {
  test(`${what}: refused`, () => assert.equal(head(changes, more), undefined));
}

test('of any fields, the head has one host, at most one cookie line, and all others in their order', () => {
  const name = fc.constantFrom('accept', 'cookie', 'x-a', 'x-b', 'content-length');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string({ maxLength: 5 }))), (fields) => {
      const lines = head({}, fields.flat())?.rawHeaders ?? assert.fail();
      const names = lines.filter((_, index) => index % 2 === 0);
      assert.equal(names.filter((one) => one === 'Host').length, 1);
      assert.equal(names.filter((one) => one === 'cookie').length, fields.some(([one]) => one === 'cookie') ? 1 : 0);
      const others = (list: readonly (readonly [string, string])[]) => list.filter(([one]) => one !== 'cookie').flat();
      const pairs = names.slice(1).map((one, index) => [one, lines[2 * index + 3] ?? ''] as const);
      assert.deepEqual(others(pairs), others(fields));
    }),
  );
});
