import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRefusal } from '../core/refusal.ts';
import { readCallPath, spelledPath } from './call-path.ts';
import { createJoining, joinPath } from './join.ts';
import { compileEgressRoutes } from './routes.ts';

/** Pieces of which attacks on paths are made, besides plain ones. */
const piece = fc.constantFrom(
  ...[
    'a',
    'bb',
    '.',
    '..',
    '...',
    '/',
    '//',
    '\\',
    ';',
    '%2e',
    '%2E',
    '%2f',
    '%2F',
    '%5c',
    '%25',
    '%00',
    '%zz',
    '%',
    '?',
    '#',
    '@',
    ':',
  ],
  ...['%41', '%c3%a4', '%ef%bc%8f', '~', '&', '=', '%3b', '%2e%2e', 'evil.example.com', '\u00e9', '\t'],
);
const asked = fc.array(piece, { maxLength: 12 }).map((pieces) => `/ext/t/${pieces.join('')}`);
const bases = fc.constantFrom('', '/', '/v1', '/v1/', '/a/b');
const rewrites = fc.constantFrom(undefined, '/', '/x', '/x/y/');

/** As a target may read a path that is careless: once decoded, with every slash and every dot segment. */
const resolved = (path: string): string => {
  const decoded = decodeURIComponent(path).replaceAll('\\', '/');
  return new URL(decoded.replaceAll('?', '%3F').replaceAll('#', '%23'), 'https://target.example').pathname;
};

test('whatever is asked, what is called stays on the origin and below the base path, read once or twice', () => {
  fc.assert(
    fc.property(asked, bases, rewrites, (target, base, rewrite) => {
      const read = readCallPath(target);
      if (isRefusal(read)) return;
      const joined = joinPath(read, createJoining(base, '/ext/t', rewrite));
      if (isRefusal(joined)) return;
      const url = new URL(`https://target.example${joined}`);
      assert.equal(url.origin, 'https://target.example');
      assert.equal(url.pathname, joined, 'nobody finds anything to normalise');
      const below = base.replace(/\/$/, '');
      for (const path of [joined, resolved(joined)])
        assert.ok(path === below || path.startsWith(`${below}/`) || below === '');
    }),
    { numRuns: 2_000 },
  );
});

test('what is called is the caller’s own spelling, and its query as it came', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '%41', '%20', '%C3%A4', "'", '~x'), { minLength: 1 }), (segments) => {
      const rest = `/${segments.join('/')}`;
      const read = readCallPath(`/ext/%74${rest}?q=%2e%2e//`);
      assert.ok(!isRefusal(read));
      assert.equal(joinPath(read, createJoining('/v1', '/ext/t', undefined)), `/v1${rest}`);
      assert.equal(read.query, 'q=%2e%2e//');
    }),
  );
});

test('ten thousand routes are each found, and a prefix only on a segment boundary', () => {
  const count = 10_000;
  const routes = compileEgressRoutes(
    Array.from({ length: count }, (_, index) => ({ pathPrefix: `/ext/s${index}`, value: index })),
    '/ext',
  );
  for (let index = 0; index < count; index += 7) {
    assert.deepEqual(routes.find('', `/ext/s${index}/x/y`, 'GET'), { value: index });
    assert.equal(routes.find('', `/ext/s${index}evil`, 'GET'), undefined);
  }
});

test('what a policy reads as an escaped slash is one, and nothing else that a caller can write', () => {
  const spelled = (target: string): string => {
    const read = readCallPath(target);
    return isRefusal(read) ? read.code : spelledPath(read);
  };
  const rows = [
    ['/a%2Fb/%C3%A4', '/a%2Fb/ä'],
    ['/a%2fb', '/a%2Fb'],
    ['/a%EF%BF%BBb', 'ambiguous_path'],
    ['/a%ef%bf%bbb/c%2Fd', 'ambiguous_path'],
    ['/a%EF%bf%BBb/c%2Fd?e', 'ambiguous_path'],
  ];
  assert.deepEqual(
    rows.map(([target = '']) => [target, spelled(target)]),
    rows,
  );
});
