import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareSpecificity, type PathPattern, parsePathPattern } from './path-pattern.ts';
import { compileRoutes, findConflicts, type Route } from './routes.ts';

const pattern = (text: string): PathPattern => {
  const parsed = parsePathPattern(text);
  if (typeof parsed === 'string') throw new Error(`${text}: ${parsed}`);
  return parsed;
};

/** `METHOD,METHOD host/path`, of which only the path must be there; its own text is its target. */
const route = (text: string): Route<string> => {
  const [, methods, host, path] = /^(?:([A-Z,]+) )?([^/]*)(\/.*)$/.exec(text) ?? [];
  return {
    target: text,
    path: pattern(path ?? ''),
    ...(host ? { host } : {}),
    ...(methods ? { methods: methods.split(',') } : {}),
  };
};

const find = (routes: string[], request: string) => {
  const [, method, host, path] = /^([A-Z]+) ([^/]*)(\/.*)$/.exec(request) ?? [];
  return compileRoutes(routes.map(route)).find(host ?? '', path ?? '', method ?? '');
};

for (const [title, routes, request, expected] of [
  ['a literal beats a star', ['/a/*', '/a/b'], 'GET h/a/b', '/a/b'],
  ['a part glob beats a star', ['/a/*', '/a/b*'], 'GET h/a/bc', '/a/b*'],
  ['the longer part glob wins', ['/a/b*', '/a/bc*'], 'GET h/a/bcd', '/a/bc*'],
  ['a star beats two stars', ['/a/**', '/a/*'], 'GET h/a/b', '/a/*'],
  ['two stars match none', ['/a/**'], 'GET h/a', '/a/**'],
  ['two stars match many', ['/a/**'], 'GET h/a/b/c/d', '/a/**'],
  ['two stars stop at a segment boundary', ['/a/**'], 'GET h/ab', undefined],
  ['an exact end beats two stars', ['/a/**', '/a'], 'GET h/a', '/a'],
  ['the earlier literal decides', ['/*/b/c', '/a/**'], 'GET h/a/b/c', '/a/**'],
  ['a dead end is left again', ['/a/b/c', '/a/*/d'], 'GET h/a/b/d', '/a/*/d'],
  ['a slash at the end makes no difference', ['/a/b'], 'GET h/a/b/', '/a/b'],
  ['a star is not an empty segment', ['/a/*'], 'GET h/a/', undefined],
  ['a star within a segment stops at a slash', ['/a/*.png'], 'GET h/a/b/c.png', undefined],
  ['two stars in the middle', ['/a/**/z'], 'GET h/a/b/c/z', '/a/**/z'],
  ['two stars in the middle match none', ['/a/**/z'], 'GET h/a/z', '/a/**/z'],
  ['the longer tail after two stars wins', ['/**/z', '/**/y/z'], 'GET h/x/y/z', '/**/y/z'],
  ['a tail beats two stars at the end', ['/a/**', '/a/**/z'], 'GET h/a/b/z', '/a/**/z'],
  ['the root', ['/', '/**'], 'GET h/', '/'],
  ['an exact host beats a wildcard', ['*.b.c/x', 'a.b.c/**'], 'GET a.b.c/x', 'a.b.c/**'],
  ['the longer wildcard wins', ['*.c/x', '*.b.c/**'], 'GET a.b.c/x', '*.b.c/**'],
  ['a wildcard does not match the bare domain', ['*.b.c/x'], 'GET b.c/x', undefined],
  ['a wildcard does not match a suffix without a dot', ['*.b.c/x'], 'GET evilb.c/x', undefined],
  ['a host beats none', ['/x', 'a.b.c/**'], 'GET a.b.c/x', 'a.b.c/**'],
  ['what a host does not have is looked up without one', ['/x', 'a.b.c/y'], 'GET a.b.c/x', '/x'],
  ['a method beats none', ['/x', 'GET /x'], 'GET h/x', 'GET /x'],
  ['another method takes the rule without one', ['/x', 'GET /x'], 'POST h/x', '/x'],
  ['HEAD is not GET', ['GET /x'], 'HEAD h/x', undefined],
  ['nothing matches nothing', [], 'GET h/', undefined],
] as const) {
  test(`routes: ${title}`, () => {
    assert.equal(find([...routes], request), expected);
    assert.equal(find([...routes].reverse(), request), expected, 'whatever the order they are written in');
  });
}

for (const [a, b] of [
  ['/a', '/a'],
  ['/a', '/a/'],
  ['/a/*', '/a/*'],
  ['/a*/x', '/*b/x'],
  ['/a*/x', '/*b/*'],
  ['/a*/**', '/*b/x/y'],
  ['GET,POST /a', 'POST /a'],
  ['h/a', 'h/a'],
  ['/**/z', '/**/z'],
]) {
  test(`routes of equal precedence conflict: ${a} and ${b}`, () => {
    assert.equal(findConflicts([route(a ?? ''), route(b ?? '')]).length, 1);
  });
}

test('a pattern with escapes matches what requests with them are decided by, and conflicts with its plain form', () => {
  const routes = compileRoutes([route('/a%20b/%C3%A9%3F*')]);
  assert.equal(routes.find('h', '/a b/é?c', 'GET'), '/a%20b/%C3%A9%3F*');
  assert.equal(findConflicts([route('/%61'), route('/a')]).length, 1);
});

for (const [a, b] of [
  ['/a', '/b'],
  ['/a/*', '/a/b'],
  ['/a*', '/b*'],
  ['/*a', '/*b'],
  ['GET /a', 'POST /a'],
  ['GET /a', '/a'],
  ['h/a', '/a'],
  ['h/a', 'g/a'],
  ['/*/a', '/*/b'],
]) {
  test(`routes do not conflict: ${a} and ${b}`, () => {
    assert.deepEqual(findConflicts([route(a ?? ''), route(b ?? '')]), []);
  });
}

for (const [text, complaint] of [
  ['a', /slash/],
  ['/a//b', /empty/],
  ['/a/../b', /dot/],
  ['/a**', /whole segments/],
  ['/**/a/**', /once/],
  ['/a?b', /query/],
  ['/*a*b*c*', /three/],
  ['/a%2fb', /escape/],
  ['/a%2E%2e/b', /escape/],
  ['/a%2a', /escape/],
  ['/a%', /escape/],
  ['/a%ff', /escape/],
  ['/é%20', /escaped only in part/],
] as const) {
  test(`the pattern ${text} is refused with a reason`, () => {
    assert.match(String(parsePathPattern(text)), complaint);
  });
}

test('property: the tree finds what looking at every route one by one would find', () => {
  const segment = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '*b');
  const pathText = fc
    .tuple(fc.array(segment, { maxLength: 3 }), fc.option(fc.array(segment, { maxLength: 2 }), { nil: undefined }))
    .map(([head, tail]) => `/${[...head, ...(tail ? ['**', ...tail] : [])].join('/')}`);
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'c'), { maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
  const asExpression = (text: string) =>
    new RegExp(
      `^${text
        .split('/')
        .slice(1)
        .filter((part) => part !== '')
        .map((part) => (part === '**' ? '(?:/[^/]+)*' : `/${part.replaceAll('*', part === '*' ? '[^/]+' : '[^/]*')}`))
        .join('')}/?$`,
    );
  fc.assert(
    fc.property(fc.uniqueArray(pathText, { maxLength: 6 }), path, (texts, asked) => {
      const routes = texts.map(route);
      if (findConflicts(routes).length > 0) return;
      const found = compileRoutes(routes).find('h', asked, 'GET');
      const matching = texts.filter((text) => asExpression(text).test(asked));
      assert.equal(found !== undefined, matching.length > 0, `${asked} in ${texts}`);
      if (found === undefined) return;
      assert.ok(matching.includes(found), `${found} does not match ${asked}`);
      const chosen = pattern(found);
      for (const other of matching.filter((text) => text !== found))
        assert.ok(
          compareSpecificity(chosen, pattern(other)) < 0,
          `${other} is more specific than ${found} for ${asked}`,
        );
    }),
    { numRuns: 10_000 },
  );
});
