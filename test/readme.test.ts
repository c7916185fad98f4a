import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { launch } from './servers/process.ts';
import { until } from './servers/until.ts';
import { createWorkdir } from './servers/workdir.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The commands of the README's shell blocks, without their comments. */
const commands = [...readme.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) =>
  block.split('\n').flatMap((line) => line.replace(/\s+#.*$/, '').trim() || []),
);

/** A checkout of its own, so that what the commands write is written there. */
const makeCheckout = (): string => {
  const { path } = createWorkdir('readme', { after });
  for (const entry of [
    'bin',
    'src',
    'scripts',
    'package.json',
    'package-lock.json',
    '.npmrc',
    'sallyport.schema.json',
  ]) {
    cpSync(join(root, entry), join(path, entry), { recursive: true, preserveTimestamps: true });
  }
  mkdirSync(join(path, 'data'));
  symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'));
  return path;
};

const shell = (cwd: string, script: string) =>
  spawnSync('bash', ['-c', script], {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });

test('every command of the README is known to this test', () => {
  assert.deepEqual(commands, [
    'npm run demo', // test/demo.test.ts
    'npm test', // this run
    'npm start -- init',
    'export SALLYPORT_ADMIN_TOKEN=$(openssl rand -hex 24)',
    'npm start -- validate',
    'npm start -- keys create --user ann --name laptop',
    'npm start -- --config sallyport.yaml',
    'npm run example:zones', // test/examples/zones.test.ts
  ]);
});

test('the commands of the README do in a fresh checkout what they say', async (t) => {
  const checkout = makeCheckout();
  const token = commands[3] ?? '';
  const [init, , validate, create, serve] = commands.slice(2);

  const made = shell(checkout, init ?? '');
  assert.equal(made.status, 0, made.stderr);
  assert.ok(existsSync(join(checkout, 'sallyport.yaml')));

  const checked = shell(checkout, `${token}; ${validate}`);
  assert.equal(checked.status, 0, checked.stderr);
  assert.match(checked.stdout, /sallyport\.yaml: valid, 2 rules/);

  // The one thing that the test changes: ports that may be taken on this machine.
  const file = join(checkout, 'sallyport.yaml');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('":8080"', '"127.0.0.1:0"').replace('127.0.0.1:8081', '127.0.0.1:0'),
  );

  const created = shell(checkout, `${token}; ${create}`);
  assert.equal(created.status, 0, created.stderr);
  const [key = ''] = /^sk-\w+$/m.exec(created.stdout) ?? [];

  const running = await launch({ command: 'bash', args: ['-c', `${token}; exec ${serve}`], cwd: checkout, owner: t });
  const endpoint = () => /answers on (\S+\/auth)/.exec(running.output())?.[1];
  await until('it answers', () => endpoint() !== undefined, { deadlineMs: 30_000 });
  const url = `http://${endpoint()}/native/api/x`;
  assert.equal((await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status, 200);
  assert.equal((await fetch(url)).status, 401);
});

test('every file that the README links to is there', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path);
  assert.deepEqual(
    links.filter((path) => !existsSync(join(root, path))),
    [],
  );
});

test('the rules that the README shows are rules', async () => {
  const [, rules = ''] = /```yaml\n(.*?)```/s.exec(readme) ?? [];
  const { load } = await import('../src/config/harness.test.ts');
  const { config } = load(
    `cashu: { mints: ["https://mint.example.com"] }\njwt: { issuer: "https://i", audience: a, secret: "${'x'.repeat(32)}" }\n${rules}`,
  );
  assert.deepEqual(
    config.rules.map(({ name }) => name),
    ['public', 'orders', 'premium'],
  );
});
