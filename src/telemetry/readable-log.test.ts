import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readable } from './readable-log.ts';

const line = (entry: object): string =>
  JSON.stringify({ level: 'info', time: '2026-01-01T12:34:56.789Z', event: 'denied', ...entry, msg: 'denied' });

test('a line tells time, level and message, and then what belongs to it', () => {
  const text = readable(line({ rule: 'orders', path: '/a b', status: 401, nothing: undefined, empty: '', list: [1] }));
  assert.equal(text, '12:34:56.789 info  denied  event=denied rule=orders path="/a b" status=401 list=[1]\n');
});

for (const [what, value, shown] of [
  ['a line break', 'a\nb', '"a\\nb"'],
  ['an escape sequence', '\u001b[31mred', '"\\u001b[31mred"'],
  ['one of eight bits', 'a\u009b31mred', '"a\\u009b31mred"'],
  ['a change of direction', 'a\u202egpj.exe', '"a\\u202egpj.exe"'],
  ['a zero-width space', 'a\u200bb', '"a\\u200bb"'],
  ['a line separator', 'a\u2028b', '"a\\u2028b"'],
  ['half a character', 'a\ud800', '"a\\ud800"'],
  ['DEL', 'a\u007f', '"a\\u007f"'],
  ['what looks like another field', 'x status=200', '"x status=200"'],
  ['quotation marks', 'a" b="c', '"a\\" b=\\"c"'],
  ['another script', 'ジョン 😀', '"ジョン 😀"'],
] as const) {
  test(`${what} is shown and does nothing`, () => {
    assert.ok(readable(line({ value })).includes(` value=${shown}`), JSON.stringify(readable(line({ value }))));
  });
}

test('whatever is in it, a line is one line of printable characters', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.anything({ withNullPrototype: false })), (entry) => {
      const text = readable(line(JSON.parse(JSON.stringify(entry))));
      return text.endsWith('\n') && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text.slice(0, -1));
    }),
  );
});
