import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { claimAt, claimNames, claimText } from './claim-path.ts';

const claims = JSON.parse(`{
  "sub": "john", "age": 7, "on": false, "nothing": null, "empty": "",
  "realm_access": { "roles": ["a", "b"], "deeper": { "x": 1 } },
  "https://example.com/roles": ["c"],
  "org.unit": { "name": "flat", "id.no": 4 }, "org": { "unit": { "name": "nested", "boss": "ann" } },
  "list": [{ "x": 1 }], "a": { "": { "b": "odd" } },
  "__proto__": { "role": "admin" }, "toString": "own"
}`);

// biome-ignore format: a table is read by its columns
const paths: readonly (readonly [path: string, value: unknown])[] = [
  ['sub', 'john'], ['age', 7], ['on', false], ['nothing', null], ['empty', ''],
  ['realm_access.roles', ['a', 'b']], ['realm_access.deeper.x', 1], ['realm_access.none', undefined],
  ['https://example.com/roles', ['c']], ['https://example.com/other', undefined],
  ['org.unit.name', 'nested'], ['org.unit.boss', 'ann'], ['org.unit.id.no', 4],
  ['list.0.x', undefined], ['list.length', undefined], ['sub.length', undefined], ['nothing.x', undefined],
  ['a..b', 'odd'], ['', undefined], ['.', undefined], ['...', undefined],
  ['__proto__.role', 'admin'], ['toString', 'own'], ['toString.name', undefined],
  ['constructor', undefined], ['constructor.name', undefined], ['hasOwnProperty', undefined],
  ['realm_access.__proto__', undefined], ['realm_access.constructor.name', undefined], ['__proto__.__proto__', undefined],
];

for (const [path, value] of paths) {
  test(`${path} → ${JSON.stringify(value)}`, () => assert.deepEqual(claimAt(claims, path), value));
}

test('claims without a claim of that name have nothing that Object.prototype has', () => {
  for (const name of Object.getOwnPropertyNames(Object.prototype)) assert.equal(claimAt({}, name), undefined, name);
});

test('a long path over wide and deep claims is read in good time', () => {
  const path = Array.from({ length: 128 }, () => 'a').join('.');
  const at = (depth: number): object =>
    Object.fromEntries([1, 2, 3].map((n) => [Array(n).fill('a').join('.'), depth > 0 ? at(depth - 1) : {}]));
  const startedAt = performance.now();
  assert.equal(claimAt({ ...at(7) }, path), undefined);
  assert.ok(performance.now() - startedAt < 1_000);
});

test('what a header can carry has a text, and nothing else has', () => {
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  for (const [value, text] of [
    ['x', 'x'],
    [7, '7'],
    [true, 'true'],
    [
      ['a', 1, false],
      ['a', '1', 'false'],
    ],
    [[], []],
    [null, undefined],
    [undefined, undefined],
    [{ a: 1 }, undefined],
    [['a', null], undefined],
    [[['a']], undefined],
    [deep, undefined],
  ]) {
    assert.deepEqual(claimText(value), text);
  }
});

test('names come as one text or as a list, and what is no text is no name', () => {
  for (const [value, names] of [
    ['read write', ['read', 'write']],
    ['  read   write ', ['read', 'write']],
    ['', []],
    [
      ['read', 'write all'],
      ['read', 'write all'],
    ],
    [['read', 7, null, ['x'], { y: 1 }], ['read']],
    [{ 0: 'read', length: 1 }, []],
    [null, []],
    [undefined, []],
    [7, []],
  ]) {
    assert.deepEqual(claimNames(value), names);
  }
});

test('no claims and no path make reading throw', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (any, path) => {
      claimNames(claimAt(any, path));
      claimText(claimAt(any, path));
    }),
  );
});
