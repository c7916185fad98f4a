import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseHost, parseMethod, parseTarget, writeTarget } from './canonical.ts';
import { isRefusal } from './refusal.ts';

const code = (outcome: unknown) => (isRefusal(outcome) ? outcome.code : outcome);

for (const [raw, path, query] of [
  ['/', '/', ''],
  ['/orders', '/orders', ''],
  ['/orders/', '/orders/', ''],
  ['/orders?a=1', '/orders', 'a=1'],
  ['/orders?a=1?b=/../x', '/orders', 'a=1?b=/../x'],
  ['/%6frders', '/orders', ''],
  ['/caf%C3%A9', '/café', ''],
  ['/wiki/C%23', '/wiki/C#', ''],
  ['/what%3F', '/what?', ''],
  ['/a.b/.well-known/x..y/...', '/a.b/.well-known/x..y/...', ''],
  ["/-._~!$&'()*+,=:@", "/-._~!$&'()*+,=:@", ''],
] as const) {
  test(`the target ${raw} is read as ${path}`, () => {
    assert.deepEqual(parseTarget(raw), { path, query });
  });
}

for (const raw of [
  '/',
  '/a?b=1',
  '/%61%20b',
  '/caf%C3%A9?x=%2F',
  '/what%3F/C%23?y',
  '/a%22%3C%7Bb',
  "/-._~!$&'()*+,=:@[]",
]) {
  test(`the target ${raw} is written so that it is read as before`, () => {
    const target = parseTarget(raw);
    assert.ok(!isRefusal(target));
    const written = writeTarget(target);
    assert.match(written, /^\/[\u0021-\u007e]*$/);
    assert.deepEqual(parseTarget(written), target);
  });
}

test('whatever target is read, is written so that it is read as before', () => {
  fc.assert(
    fc.property(fc.webPath(), (raw) => {
      const target = parseTarget(raw);
      if (!isRefusal(target)) assert.deepEqual(parseTarget(writeTarget(target)), target);
    }),
  );
});

for (const raw of [
  '',
  'orders',
  'http://a/orders',
  '*',
  '/a/../b',
  '/a/./b',
  '/..',
  '/.',
  '/a/..',
  '/%2e%2e/b',
  '/a/%2E',
  '/a%2fb',
  '/a%2Fb',
  '/a%5cb',
  '/a\\b',
  '/a//b',
  '//a',
  '/a;b',
  '/a/..;/b',
  '/a%3Bb',
  '/a%00b',
  '/a\u0000b',
  '/a%0d%0ab',
  '/a%7f',
  '/a#b',
  '/a?b#c',
  '/plain#/public',
  '/%252e%252e/b',
  '/a%25',
  '/a%zz',
  '/a%',
  '/a%ff',
  '/a%c0%ae',
  '/a b',
  '/a\tb',
  '/caf\u00e9',
  '/{x}',
  `/${'a'.repeat(20_000)}`,
]) {
  test(`the target ${JSON.stringify(raw.slice(0, 40))} is refused as ambiguous`, () => {
    assert.equal(code(parseTarget(raw)), 'ambiguous_path');
  });
}

test('property: a path that is accepted is the path that a WHATWG URL parser and a once-decoding server see', () => {
  const piece = fc.constantFrom(
    '/',
    'a',
    'B',
    '.',
    '..',
    '%2e',
    '%2F',
    '%41',
    '%C3%A9',
    '%25',
    ';',
    '\\',
    '?',
    '#',
    ' ',
    '~',
    '%',
    'é',
    '\u0000',
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`),
      (raw) => {
        const target = parseTarget(raw);
        if (isRefusal(target)) return;
        const url = new URL(`http://host${raw}`);
        assert.equal(decodeURIComponent(url.pathname), target.path);
        assert.equal(url.search, target.query === '' ? '' : new URL(`http://host/?${target.query}`).search);
        assert.ok(!target.path.split('/').some((segment) => segment === '.' || segment === '..'));
      },
    ),
    { numRuns: 5_000 },
  );
});

test('property: no text makes the parsers throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      parseTarget(text);
      parseTarget(`/${text}`);
      parseHost(text);
      parseMethod(text);
    }),
    { numRuns: 5_000 },
  );
});

for (const [raw, host] of [
  ['API.Example.com', 'api.example.com'],
  ['api.example.com:8443', 'api.example.com'],
  ['api.example.com.', 'api.example.com'],
  ['api.example.com.:80', 'api.example.com'],
  ['127.0.0.1:80', '127.0.0.1'],
  ['[::1]:80', '[::1]'],
  ['my_service', 'my_service'],
] as const) {
  test(`the host ${raw} is read as ${host}`, () => {
    assert.equal(parseHost(raw), host);
  });
}

for (const raw of [
  undefined,
  '',
  'a, b',
  'a b',
  'a/b',
  'user@a',
  'a:b',
  'a:99999999',
  '.a',
  'a..b',
  '-a',
  'a\u0000',
  '[::1',
  'a?rule=x',
  'é.com',
]) {
  test(`the host ${JSON.stringify(raw)} is refused`, () => {
    assert.equal(code(parseHost(raw)), 'ambiguous_host');
  });
}

test('methods are upper-case tokens; anything else is refused', () => {
  for (const method of ['GET', 'HEAD', 'PROPFIND', 'M-SEARCH']) assert.equal(parseMethod(method), method);
  for (const method of [undefined, '', 'get', 'Get', 'GET ', 'GET,POST', 'G\u0000T', 'X'.repeat(40)])
    assert.equal(code(parseMethod(method)), 'ambiguous_method');
});
