import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, isVersion } from './semver.ts';

/** In the order of https://semver.org/#spec-item-11. */
const ordered = [
  '0.0.4',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '1.2.0',
  '1.10.0',
  '9007199254740993.0.0',
];

test('versions are in the order of the specification', () => {
  for (const [index, one] of ordered.entries()) {
    for (const [otherIndex, other] of ordered.entries()) {
      assert.equal(compareVersions(one, other), Math.sign(index - otherIndex), `${one} and ${other}`);
    }
  }
});

test('what was built does not count', () => assert.equal(compareVersions('1.0.0+a', '1.0.0+b'), 0));

for (const text of ['1', '1.2', 'v1.2.3', '1.2.3.4', '1.2.3-', '1.2.3-a..b', '', 1, null]) {
  test(`${JSON.stringify(text)} is no version`, () => {
    assert.equal(isVersion(text), false);
    assert.equal(compareVersions(text, '1.0.0'), undefined);
  });
}
