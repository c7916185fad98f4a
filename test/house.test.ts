import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = dirname(import.meta.dirname);
const sources = globSync('src/**/*.ts', { cwd: root }).sort();
const modules = sources.filter((file) => !file.endsWith('.test.ts'));
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');

type Import = { to: string; typeOnly: boolean };

const importsOf = (file: string): Import[] =>
  [...textOf(file).matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm)].map(
    ([, typeOnly, from, dynamic]) => ({
      to: relative(root, join(root, dirname(file), from ?? dynamic ?? '')),
      typeOnly: typeOnly !== undefined,
    }),
  );

/** The room a file lives in: the folder below `src/`, or `.` for the composition root and the command line. */
const roomOf = (file: string) => /^src\/([^/]+)\//.exec(file)?.[1] ?? '.';

const floorOne = ['identify', 'checks', 'paywall', 'keys', 'pods', 'egress', 'usage', 'reload'];

/** May a file in room `from` import a file in room `to`? `types`: only by `import type`, as an adapter imports its port. */
const mayImport = (from: string, to: string): boolean | 'types' => {
  if (from === to || from === '.') return true;
  if (to === 'core') return true;
  if (from === 'commands' || from === 'assemble') return true;
  if (from === 'stores') return floorOne.includes(to) ? 'types' : false;
  if (from === 'http' || from === 'grpc') return floorOne.includes(to);
  return false;
};

test('every import keeps the floors', () => {
  const broken = modules.flatMap((file) =>
    importsOf(file)
      .filter(({ to, typeOnly }) => {
        const allowed = mayImport(roomOf(file), roomOf(to));
        return allowed === false || (allowed === 'types' && !typeOnly);
      })
      .map(({ to }) => `${file} may not import ${to}`),
  );
  assert.deepEqual(broken, []);
});

test('the core imports nothing outside the core, not even Node', () => {
  const foreign = modules
    .filter((file) => roomOf(file) === 'core')
    .filter((file) => /from\s+'(?!\.\/)/.test(textOf(file)));
  assert.deepEqual(foreign, []);
});

test('nothing imports node:http as a value, which loads all of undici: process.getBuiltinModule does not', () => {
  const importing = modules.filter((file) => /^import (?!type)[^;]* from '(?:node:)?https?'/m.test(textOf(file)));
  assert.deepEqual(importing, []);
});

test('every folder below src is a known room', () => {
  const known = ['.', 'assemble', 'core', 'config', 'commands', 'stores', 'http', 'grpc', 'telemetry', ...floorOne];
  assert.deepEqual(
    modules.filter((file) => !known.includes(roomOf(file))),
    [],
  );
});

test('no file is a barrel or a drawer for odds and ends', () => {
  assert.deepEqual(
    sources.filter((file) => /(^|\/)(index|utils?|helpers?|common|misc)(\.ts$|\/)/.test(file)),
    [],
  );
});

test('files stay small: none over 300 lines, nine in ten under 200', () => {
  const lengths = modules.map((file) => ({ file, lines: textOf(file).split('\n').length - 1 }));
  assert.deepEqual(
    lengths.filter(({ lines }) => lines > 300),
    [],
  );
  assert.ok(lengths.filter(({ lines }) => lines >= 200).length <= lengths.length / 10);
});

test('serve.ts, the composition root, stays under 200 lines', () => {
  assert.ok(textOf('src/serve.ts').split('\n').length < 200);
});

test('only config reads the environment', () => {
  const readers = modules.filter((file) => roomOf(file) !== 'config' && /process\.env\b/.test(textOf(file)));
  assert.deepEqual(readers, []);
});
