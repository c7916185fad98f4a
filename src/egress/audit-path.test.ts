import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuditPath } from './audit-path.ts';

const show = createAuditPath([
  { name: 'stripe', showsPaths: true, prefixes: ['/ext/stripe'] },
  { name: 'slack', showsPaths: false, prefixes: ['/ext/slack', '/ext/slack/team'] },
  { name: 'hooks', showsPaths: false, prefixes: [] },
]);

const cases = [
  ['stripe', '/ext/stripe/charges/ch_1', '/ext/stripe/charges/ch_1'],
  ['slack', '/ext/slack/T0/B0/canary', '/ext/slack/…'],
  ['slack', '/ext/slack/team/T0/canary', '/ext/slack/team/…'],
  ['slack', '/ext/slack', '/ext/slack'],
  // Not the way its prefix is written, though perhaps the way it is read.
  ['slack', '/ext/%73lack/T0/canary', '/…'],
  ['slack', '/ext/slackcanary', '/…'],
  ['hooks', '/services/canary', '/…'],
  // No target: a slip such as this one must not tell what stands behind it.
  ['', '/ext/slak/T0/B0/canary', '/ext/slak/…'],
  ['', '/favicon.ico', '/favicon.ico'],
  ['', '*', '/…'],
  ['removed', '/ext/slack/T0/canary', '/ext/slack/…'],
] as const;

for (const [target, path, shown] of cases) {
  test(`${path} of ${target || 'no target'} is shown as ${shown}`, () => assert.equal(show(target, path), shown));
}

test('no path makes a line long', () => {
  for (const target of ['stripe', 'slack', '']) assert.ok(show(target, `/${'a'.repeat(100_000)}`).length < 600);
});
