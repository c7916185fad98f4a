import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createWorkdir } from './servers/workdir.ts';

const root = join(import.meta.dirname, '..');
const { path: directory } = createWorkdir('package', { after });

/** The package as npm would install it: its files below node_modules, beside its dependencies. */
const installed = (): string => {
  const modules = join(directory, 'node_modules');
  mkdirSync(join(modules, 'sallyport'), { recursive: true });
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', directory], {
    cwd: root,
    encoding: 'utf8',
  });
  execFileSync('tar', [
    '-xzf',
    join(directory, packed.trim()),
    '-C',
    join(modules, 'sallyport'),
    '--strip-components=1',
  ]);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  return join(modules, 'sallyport');
};

const place = installed();
const sallyport = (...args: string[]) =>
  execFileSync(process.execPath, [join(place, 'bin', 'sallyport.js'), ...args], {
    cwd: directory,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], SALLYPORT_ADMIN_TOKEN: 'x'.repeat(16) },
  });

test('the package runs below node_modules, where Node itself strips no types', () => {
  assert.match(sallyport('--help'), /Usage: sallyport/);
  assert.match(sallyport('init'), /Wrote sallyport\.yaml/);
  assert.match(sallyport('validate', '--without-env'), /valid, 2 rules/);
  assert.match(
    sallyport('keys', 'create', '--user', 'ann', '--name', 'laptop'),
    /^sk-/,
    'the store writes in a thread',
  );
});

test('the package evaluates policies, by the module that it brings', () => {
  mkdirSync(join(directory, 'policies'));
  writeFileSync(join(directory, 'policies', 'a.rego'), 'package a\n\ntest_one if 1 + 1 == 2\n');
  assert.match(sallyport('policy', 'test', join(directory, 'policies')), /pass: 1\/1/);
});

test('the package holds no tests', () => {
  const files = readdirSync(place, { recursive: true }).map(String);
  assert.deepEqual(
    files.filter((file) => /\.test\.ts$|^test\/|^bench\//.test(file)),
    [],
  );
});
