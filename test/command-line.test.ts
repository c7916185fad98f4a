import assert from 'node:assert/strict';
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
