import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createReach } from './reach.ts';

const refusalOf = createReach({ url: 'https://a.example/base', pathPrefix: '/base/v1/', methods: undefined });

/** As lenient as a server may be: escapes decoded, backslashes turned, parameters of segments dropped, dots resolved. */
const readBy = (path: string): string => {
  const [before = ''] = path.split('?');
  const decoded = before.replace(/%2e/gi, '.').replace(/%2f/gi, '/').replace(/%5c/gi, '/').replace(/%3b/gi, ';');
  const segments = decoded.replaceAll('\\', '/').split('/');
  const bare = segments.map((segment) => (/^\.+;/.test(segment) ? segment.replace(/;.*/, '') : segment));
  return new URL(bare.join('/'), 'https://a.example').pathname;
};

test('whatever a server makes of a path, it is below the prefix where the credential goes along', () => {
  const piece = fc.constantFrom(
    ...['/', '/', '..', '.', '%2e', '%2E', '%2f', '%5C', '\\', ';', '%3b', 'a', 'v1', 'base', '?', '%', '%c3%bc', ' '],
  );
  let passed = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 9 }), fc.boolean(), (pieces, isBelow) => {
      const path = `${isBelow ? '/base/v1' : '/'}${pieces.join('')}`;
      if (refusalOf({ method: 'GET', origin: 'https://a.example', path, headers: [], body: undefined })) return;
      passed += 1;
      assert.match(readBy(path), /^\/base\/v1(\/|$)/, path);
    }),
    { numRuns: 3_000, examples: [[['/', '..', ' '], true]] },
  );
  assert.ok(passed > 100, String(passed));
});
