import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tar, tarEntry } from '../../../../test/servers/tar.ts';
import { BundleError } from './bundle-error.ts';
import { readTar } from './tar.ts';

const found = (archive: Buffer): Record<string, string> =>
  Object.fromEntries([...readTar(archive)].map(([name, content]) => [name, content.toString()]));

test('files are found by their names, whatever leads to them', () => {
  const archive = tar({ '/policy.wasm': 'w', './data.json': '{}', 'a/b.rego': '', [`${'x/'.repeat(60)}y`]: 'long' });
  assert.deepEqual(found(archive), {
    'policy.wasm': 'w',
    'data.json': '{}',
    'a/b.rego': '',
    [`${'x/'.repeat(60)}y`]: 'long',
  });
});

test('a pax header names the file that follows, and no other', () => {
  const path = `${'n'.repeat(120)}.rego`;
  const record = ` path=${path}\n`;
  const records = `${record.length + 3}${record}`;
  const archive = Buffer.concat([
    tarEntry('pax', records, 'x'),
    tarEntry('short', '1'),
    tarEntry('other', '2'),
    Buffer.alloc(1024),
  ]);
  assert.deepEqual(found(archive), { [path]: '1', other: '2' });
});

const end = Buffer.alloc(1024);
const whole = tar({ 'data.json': '{"a":1}' });
const damaged = Buffer.from(whole);
damaged[3] = 0x41;

for (const [title, archive, message] of [
  ['a step up', tar({ 'a/../b': '' }), /unsafe name: "a\/\.\.\/b"/],
  ['an empty name', tar({ '/': '' }), /unsafe name/],
  ['a backslash', tar({ 'a\\b': '' }), /unsafe name/],
  ['a link', Buffer.concat([tarEntry('data.json', '', '2'), end]), /data\.json, which is no regular file/],
  ['a name that is there twice', Buffer.concat([tarEntry('a', '1'), tarEntry('./a', '2'), end]), /holds a twice/],
  ['another sum than its header says', damaged, /damaged/],
  ['no end', whole.subarray(0, 1024), /has no end/],
  ['no end of a file', whole.subarray(0, 514), /ends in the middle of a file/],
  ['a pax header of no length', Buffer.concat([tarEntry('p', 'path=a\n', 'x'), end]), /pax header cannot be read/],
  ['a size beyond 8 GiB', Buffer.concat([tarEntry('p', '20 size=99999999999\n', 'x'), end]), /more than 8 GiB/],
] as const) {
  test(`an archive with ${title} is refused`, () => {
    assert.throws(
      () => readTar(archive),
      (error) => error instanceof BundleError && message.test(error.message),
    );
  });
}

test('whatever an archive holds, it is read or refused', () => {
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const archive = Buffer.from(whole);
      archive[at] = byte;
      try {
        for (const name of readTar(archive).keys()) assert.doesNotMatch(name, /(^|\/)\.\.?(\/|$)/);
      } catch (error) {
        assert.ok(error instanceof BundleError);
      }
    }),
  );
});
