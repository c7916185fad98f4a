import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createWorkdir } from '../test/servers/workdir.ts';
import { createCandidates } from './candidates.ts';
import { loadConfig } from './config/load.ts';

const { path: cwd } = createWorkdir('candidates', { after });
const file = join(cwd, 'sallyport.yaml');
const rules = (path: string) => `rules: [{ name: a, match: { path: ${path} }, accept: [api_key] }]\n`;

const start = () => {
  writeFileSync(file, rules('/a'));
  const load = async () => loadConfig({ env: {}, cwd });
  const loaded = loadConfig({ env: {}, cwd });
  return createCandidates({ loaded, load, prepare: () => assert.fail('nothing is built') });
};

test('what differs is named, and compared with what was accepted last', async () => {
  const { read } = start();
  writeFileSync(file, rules('/b'));
  const first = await read('request');
  assert.deepEqual([first.changed, first.needRestart], [['rules[0].match.path'], []]);
  assert.deepEqual((await read('request')).changed, first.changed);
  first.accepted();
  assert.deepEqual((await read('request')).changed, []);
});

test('no more keys are named than anybody reads', async () => {
  const { read } = start();
  const many = Array.from(
    { length: 80 },
    (_, index) => `{ name: r${index}, match: { path: /r${index} }, accept: [api_key] }`,
  );
  writeFileSync(file, `rules: [${many.join(', ')}]`);
  const { changed } = await read('request');
  assert.equal(changed.length, 51);
  assert.match(changed[50] ?? '', /^… and \d+ more$/);
});

// biome-ignore format: a table is read by its columns
const gone: readonly (readonly [what: string, change: () => void, problem: RegExp])[] = [
  ['an empty file',            () => writeFileSync(file, '\n'),           /sallyport\.yaml: empty, which it was not before/],
  ['a file that has gone',     () => rmSync(file),                        /sallyport\.yaml is in use, and now would be the embedded defaults/],
  ['a file that is no YAML',   () => writeFileSync(file, 'rules: [{'),    /sallyport\.yaml:1:/],
];

for (const [what, change, problem] of gone) {
  test(`${what} is refused: it takes no rule away`, async () => {
    const { read } = start();
    change();
    await assert.rejects(read('request'), problem);
  });
}

test('a reason is told with its place in the file that was read', async () => {
  const { read } = start();
  writeFileSync(file, `# one more line\n${rules('/b')}`);
  const { explain } = await read('request');
  assert.equal(explain({ path: ['rules', 0, 'name'], message: 'x' }), 'sallyport.yaml:2:17 rules[0].name: x');
  assert.equal(explain({ message: 'x' }), 'x');
});
