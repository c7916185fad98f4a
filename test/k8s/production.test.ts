/** docs/production.md: every line of the checklist is checked off by something that is there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createWorkdir } from '../servers/workdir.ts';
import { everyFolder, resourcesOf } from './manifests.ts';

const root = join(import.meta.dirname, '..', '..');
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const text = textOf('docs/production.md');
const commands = [...text.matchAll(/```bash\n(.*?)```/gs)].map(([, block = '']) => block);

/** By heading: what stands below it. */
const sections = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
);

test('its headings are the checklist of seed 004, line by line, and each has a manifest and a command', () => {
  const seed = textOf('test/seeds/004.md').replace(/^.*Production Checklist/s, '');
  const lines = [...seed.matchAll(/^- \[ \] (.*)$/gm)].map(([, line = '']) => line);
  const ours = lines.map((line) =>
    line.replace('Paygress pods', 'Sallyport’s pods').replace('for Cashu', 'for the Cashu'),
  );
  assert.deepEqual(
    [...sections.keys()],
    ours.map((line) => line.replace('’', "'")),
  );
  for (const [heading, section] of sections) {
    assert.match(section, /```bash/, heading);
    if (heading !== 'Load testing completed') assert.match(section, /\]\(\.\.\/k8s\//, heading);
  }
});

for (const name of ['production.md', 'kubernetes.md']) {
  test(`every file that docs/${name} names is there`, () => {
    const document = textOf(`docs/${name}`);
    const links = [...document.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, path = '']) => join('docs', path));
    const applied = [...document.matchAll(/(?<=[ `])k8s\/[\w./-]*\w/g)].map(([path]) => path);
    assert.ok(links.length > 10 && applied.length > 0);
    assert.deepEqual(
      [...links, ...applied].filter((path) => !existsSync(join(root, path))),
      [],
    );
  });
}

test('every object that a command names is delivered', () => {
  const kinds: Readonly<Record<string, string>> = {
    deploy: 'Deployment',
    deployment: 'Deployment',
    hpa: 'HorizontalPodAutoscaler',
    pdb: 'PodDisruptionBudget',
    resourcequota: 'ResourceQuota',
    cronjob: 'CronJob',
    namespace: 'Namespace',
  };
  const there = new Set(everyFolder.flatMap(resourcesOf).map(({ kind, metadata }) => `${kind} ${metadata.name}`));
  const named = [
    ...commands.join('').matchAll(new RegExp(`\\b(${Object.keys(kinds).join('|')})[ /]([a-z][\\w-]+)`, 'g')),
  ];
  assert.ok(named.length >= 8);
  for (const [, kind = '', name] of named) assert.ok(there.has(`${kinds[kind]} ${name}`), `${kind} ${name}`);
});

test('every command of ours that it names is one', () => {
  const packaged = JSON.parse(textOf('package.json')).scripts;
  for (const [, script = ''] of commands.join('').matchAll(/npm run (?:--silent )?(\S+)/g))
    assert.ok(script in packaged, script);
  const called = [...commands.join('').matchAll(/-- sallyport ((?:[a-z]+ ?)+)((?:--[a-z-]+)?)/g)];
  assert.ok(called.length >= 3);
  for (const [, words = '', option = ''] of called) {
    const args = [join(root, 'bin/sallyport.js'), ...words.trim().split(' '), '--help'];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.ok(status === 0 && stdout.includes(option), words);
  }
});

test('the copy of a SQLite store that is written to is whole', (t) => {
  const { path } = createWorkdir('sqlite-backup', t);
  const store = new DatabaseSync(join(path, 'sallyport.db'));
  store.exec('PRAGMA journal_mode = WAL; CREATE TABLE money (sat); INSERT INTO money VALUES (21)');
  const [, script = ''] = /--eval '\n(.*?)\n' >/s.exec(text) ?? [];
  assert.ok(script.includes('/var/lib/sallyport/'));
  const args = ['--input-type=module', '--eval', script.replaceAll('/var/lib/sallyport/', `${path}/`)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args);
  assert.equal(status, 0, stderr.toString());
  writeFileSync(join(path, 'copy.db'), stdout);
  const copy = new DatabaseSync(join(path, 'copy.db'));
  t.after(() => [store, copy].forEach((database) => void database.close()));
  assert.deepEqual({ ...copy.prepare('SELECT sat FROM money').get() }, { sat: 21 });
  assert.ok(!existsSync(join(path, 'backup.db')), 'the copy is left in the volume');
});
