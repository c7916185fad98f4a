import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { find, locate, needs } from './programs.ts';
import { createWorkdir } from './workdir.ts';

/** A machine with nothing on it, but for what a test puts there. */
function bareMachine(t: TestContext): string {
  const { path } = createWorkdir('programs', t);
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  process.env = { PATH: join(path, 'path'), SALLYPORT_CACHE: join(path, 'cache') };
  return path;
}

function put(path: string, text = ''): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

test('a program is taken from its variable before the cache folder, and from there before the PATH', (t) => {
  const machine = bareMachine(t);
  assert.equal(find('kubeconform'), undefined);
  const onPath = put(join(machine, 'path', 'kubeconform'));
  assert.equal(find('kubeconform'), onPath);
  const cached = put(join(machine, 'cache', 'bin', 'kubeconform'));
  assert.equal(find('kubeconform'), cached);
  process.env['SALLYPORT_TEST_KUBECONFORM'] = '/named/outright';
  assert.equal(find('kubeconform'), '/named/outright');
});

test('a Caddy of 2022 is not taken for the current one, nor the other way round', (t) => {
  const machine = bareMachine(t);
  const caddy = put(join(machine, 'path', 'caddy'), '#!/bin/sh\necho v2.11.9 h1:abc=\n');
  assert.equal(find('caddy'), caddy);
  assert.notEqual(find('caddy-old'), caddy);
  put(caddy, '#!/bin/sh\necho 2.6.2\n');
  assert.equal(find('caddy'), undefined);
  assert.equal(find('caddy-old'), caddy);
});

test('a test whose program is missing is skipped with the name, and with how to get it', (t) => {
  bareMachine(t);
  assert.match(String(needs('wrk', 'kubeconform').skip), /kubeconform is not on this machine \(bash \.ci\/servers\.sh/);
  assert.throws(() => locate('kubeconform'), /kubeconform is not on this machine/);
});

test('with CI=true a missing program does not skip the test', (t) => {
  bareMachine(t);
  process.env['CI'] = 'true';
  assert.deepEqual(needs('kubeconform'), { skip: false });
});
