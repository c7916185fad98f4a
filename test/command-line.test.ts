import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runSallyport } from './sallyport.ts';
import { createWorkdir } from './servers/workdir.ts';

const { path: cwd } = createWorkdir('command-line', { after });

// biome-ignore format: a table is read by its columns
const table: readonly (readonly [args: string, status: number, said: RegExp])[] = [
  ['valdate', 2, /^error: no command "valdate"; did you mean "validate"\?\n$/],
  ['rubbish', 2, /^error: no command "rubbish"; sallyport --help lists all\n$/],
  ['init --config a.yaml --json', 0, /^\{"written":true,"message":"Wrote a\.yaml\./],
  ['init a.yaml --json', 1, /^\{"written":false,"message":"a\.yaml is already there/],
  ['validate a.yaml --without-env', 0, /^a\.yaml: valid/],
];

for (const [args, expected, said] of table) {
  test(`sallyport ${args} → ${expected}`, () => {
    const { status, stdout, stderr } = runSallyport(args.split(' '), { cwd });
    assert.equal(status, expected);
    assert.match(stdout + stderr, said);
  });
}

test('a store where the system makes no folder is refused, in bounded time', () => {
  writeFileSync(join(cwd, 'nowhere.yaml'), 'store: "sqlite:/proc/nowhere/keys.db"\nrules: []\n');
  const { status, stderr } = runSallyport(['keys', 'list', '--config', 'nowhere.yaml'], { cwd });
  assert.deepEqual(
    [status, /the store \/proc\/nowhere\/keys\.db cannot be opened: ENOENT/.test(stderr)],
    [1, true],
    stderr,
  );
});
