/**
 * The Dockerfile, carried out in a plain directory. No container engine is needed and none is proven: what a registry gives,
 * the layers, and the isolation of a container are out of reach here.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../servers/free-port.ts';
import { launch } from '../servers/process.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { lastOf, pairsOf, parseDockerfile } from './dockerfile.ts';
import { buildPlainly } from './plain-build.ts';
import { inside, isRoot, toRun } from './tree.ts';

const checkout = join(import.meta.dirname, '..', '..');
const textOf = (path: string) => readFileSync(join(checkout, path), 'utf8');
const manifest = JSON.parse(textOf('package.json'));
const stages = parseDockerfile(textOf('Dockerfile'));
const image = stages.at(-1) ?? assert.fail('The Dockerfile has no stage');

let restore = () => {};
after(() => restore());
const { path: directory, remove } = createWorkdir('image', { after });
chmodSync(directory, 0o755); // the user of the image has to get through
const build = () => {
  try {
    return buildPlainly(stages, checkout, directory);
  } catch (error) {
    remove();
    throw error;
  }
};
const tree = build();
const data = inside(tree, '.');
const everything = globSync('**', { cwd: tree.root }).filter((path) => path !== '.');
const program = everything.filter((path) => path.startsWith('app/') || path.startsWith('usr/'));
const setWritable = (writable: boolean) => {
  for (const path of program)
    chmodSync(join(tree.root, path), (lstatSync(join(tree.root, path)).mode & 0o555) | (writable ? 0o200 : 0));
};
setWritable(false);
restore = () => setWritable(true);

const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const config = join(directory, 'config.yaml');
const rules = 'rules: [{ name: api, match: { path: "/api/**" }, accept: [api_key] }]';
writeFileSync(config, `http: { addr: "127.0.0.1:${port}" }\nstore: "sqlite:${data}/sallyport.db"\n${rules}\n`);

/** The entry point as a container runs it: its user, the environment of the image, and a mounted configuration. */
const contained = (...words: string[]) => {
  const run = toRun(tree, [...lastOf(image, 'ENTRYPOINT').words, ...words]);
  return { ...run, env: { ...run.env, AUTHZ_CONFIG_PATH: config } };
};

const runToEnd = (...words: string[]) => {
  const { command, args, ...options } = contained(...words);
  return spawnSync(command, args, { ...options, encoding: 'utf8' });
};

const start = async (owner: Parameters<typeof createWorkdir>[1], env: Readonly<Record<string, string>> = {}) => {
  const run = contained(...lastOf(image, 'CMD').words);
  const running = await launch({ ...run, env: { ...run.env, ...env }, stopSignal: 'SIGINT', ...(owner && { owner }) });
  await until('it is ready', async () => (await request(origin, '/ready')).status === 200);
  return running;
};

test('the image says its version, runs as a numeric user that is not root, and names port, volume and signal', () => {
  const labels = pairsOf(image.instructions.flatMap(({ name, text }) => (name === 'LABEL' ? [text] : [])).join(' '));
  assert.equal(labels['org.opencontainers.image.version'], manifest.version);
  assert.equal(labels['org.opencontainers.image.licenses'], manifest.license);
  assert.equal(labels['org.opencontainers.image.description'], manifest.description);
  assert.match(lastOf(image, 'USER').text, /^[1-9]\d{3,}:[1-9]\d{3,}$/);
  assert.equal(lastOf(image, 'STOPSIGNAL').text, 'SIGTERM');
  assert.equal(lastOf(image, 'EXPOSE').text, '8080');
  assert.equal(lastOf(image, 'VOLUME').text, tree.workdir);
  assert.equal(lastOf(image, 'ENTRYPOINT').form, 'exec');
});

test('both bases are Node 24 by name, and the last has no shell that a step could need', () => {
  const bases = stages.map(({ base }) => base);
  assert.deepEqual(bases, [
    'node:24-bookworm',
    'gcr.io/distroless/nodejs24-debian12:nonroot',
    'gcr.io/distroless/nodejs24-debian12:nonroot',
  ]);
  const steps = stages.slice(1).flatMap(({ instructions }) => instructions.filter(({ name }) => name === 'RUN'));
  assert.deepEqual(
    steps.filter(({ form }) => form !== 'exec'),
    [],
  );
});

test('the compile cache is filled as the user, with the environment and at the path of the image', () => {
  const warm = stages.find(({ name }) => name === 'warm') ?? assert.fail('There is no stage that warms the cache');
  assert.equal(lastOf(warm, 'USER').text, lastOf(image, 'USER').text);
  assert.equal(lastOf(warm, 'ENV').text, lastOf(image, 'ENV').text);
  assert.equal(warm.base, image.base);
});

test('the image holds every dependency, and no dev dependency, no Node of npm, no test and nothing to read', () => {
  const there = (name: string) => program.includes(`app/node_modules/${name}`);
  assert.deepEqual(
    Object.keys(manifest.dependencies).filter((name) => !there(name)),
    [],
  );
  const { devDependencies, optionalDependencies } = manifest;
  assert.deepEqual(Object.keys({ ...devDependencies, ...optionalDependencies }).filter(there), []);
  const unwanted =
    /\.test\.|(^|\/)tests?(\/|$)|\.md$|\.map$|\.d\.[cm]?ts$|\/\.npmrc$|package-lock|\.git(\/|$)|\/(docs|examples|bench)\//;
  assert.deepEqual(
    program.filter((path) => unwanted.test(path) && !/licen[cs]e/i.test(path)),
    [],
  );
  assert.deepEqual(
    everything.filter((path) => !/^(app|usr|var|tmp)(\/|$)/.test(path)),
    [],
  );
});

test('of the curve’s library the binary is there, and the slow one that it falls back to is not', () => {
  const modules = 'app/node_modules/';
  assert.ok(program.includes(`${modules}secp256k1/prebuilds/linux-x64/secp256k1.glibc.node`));
  assert.deepEqual(
    program.filter((path) => path.startsWith(`${modules}elliptic`) || path.startsWith(`${modules}secp256k1/src`)),
    [],
  );
});

/** 28 of them are the Kubernetes client, most of it code for objects that nobody here asks for. */
test('every dependency can be loaded from the image, whatever of it was taken away', () => {
  // Its own entry falls back to the slow library; the service takes the binary.
  const names = Object.keys(manifest.dependencies).map((name) =>
    name === 'secp256k1' ? 'secp256k1/bindings.js' : name,
  );
  const script = `for (const name of ${JSON.stringify(names)}) await import(name);`;
  const { command, args, ...options } = toRun({ ...tree, workdir: '/app' }, [
    '/nodejs/bin/node',
    '--input-type=module',
    '-e',
    script,
  ]);
  const { status, stderr } = spawnSync(command, args, { ...options, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('the program takes less than 55 MB beside Node', () => {
  const bytes = program.reduce((sum, path) => sum + lstatSync(join(tree.root, path)).size, 0);
  assert.ok(bytes < 55_000_000, `${bytes} bytes`);
});

test('its user can write to the data volume alone', { skip: !isRoot && 'only root can give files away' }, () => {
  const owned = everything.filter((path) => lstatSync(join(tree.root, path)).uid === tree.user);
  assert.deepEqual(
    owned.filter((path) => !path.startsWith('var/lib/sallyport')),
    [],
  );
  assert.ok(owned.includes('var/lib/sallyport'));
});

test('it starts as an unprivileged user on a read-only tree, finds all its code compiled, and ends on SIGTERM', async (t) => {
  const running = await start(t, { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
  // Of what it says at its end there is so much that its beginning would not be kept.
  const started = running.output();
  running.signal('SIGTERM');
  await until('readiness turns', async () => (await request(origin, '/ready')).status === 503);
  assert.equal(await running.exited(), 'code 0');
  assert.ok(started.split(' was accepted,').length > 100);
  assert.doesNotMatch(`${started}${running.output()}`, /was not initialized|permission denied|no such file/);
});

test('`sallyport keys create` inside the container makes a key that the running service takes', async (t) => {
  await start(t);
  const { stdout, stderr, status } = runToEnd('keys', 'create', '--user', 'alice', '--name', 'laptop');
  assert.equal(status, 0, stderr);
  const [key = ''] = stdout.split('\n');
  const ask = (headers: Record<string, string>) => request(origin, '/auth/native/api/orders', { headers });
  assert.equal((await ask({})).status, 401);
  assert.equal((await ask({ 'X-API-Key': key })).status, 200);
});

test('without a configuration its store lands on the volume', () => {
  const { command, args, cwd, env } = contained('keys', 'create', '--user', 'alice', '--name', 'laptop');
  const { AUTHZ_CONFIG_PATH: _, ...own } = env;
  assert.equal(spawnSync(command, args, { cwd, env: own }).status, 0);
  assert.ok(existsSync(join(data, 'data', 'sallyport.db')));
});

test('the health check holds while the service is ready, and only then', async (t) => {
  const { words } =
    parseDockerfile(`FROM x\nCMD ${lastOf(image, 'HEALTHCHECK').text.replace(/^CMD /, '')}`).map((stage) =>
      lastOf(stage, 'CMD'),
    )[0] ?? assert.fail('The health check has no command');
  const check = () => {
    const { command, args, ...options } = toRun(
      tree,
      words.map((word) => word.replace(':8080/', `:${port}/`)),
    );
    return spawnSync(command, args, options).status;
  };
  assert.equal(check(), 1);
  await start(t);
  assert.equal(check(), 0);
});

const librariesOf = (path: string): string[] =>
  [...spawnSync('ldd', [path], { encoding: 'utf8' }).stdout.matchAll(/(\/\S+) \(0x/g)].map(
    ([, library = '']) => library,
  );

test('with nothing around it but Node and its libraries, it starts by the name of its entry point alone', {
  skip: !isRoot && 'only root can change the root directory',
}, async (t) => {
  const { path: root } = createWorkdir('chroot', t);
  chmodSync(root, 0o755);
  cpSync(tree.root, root, { recursive: true, preserveTimestamps: true });
  chownSync(join(root, 'var/lib/sallyport'), tree.user ?? 0, tree.user ?? 0);
  for (const library of librariesOf(process.execPath)) cpSync(realpathSync(library), join(root, library));
  cpSync(process.execPath, join(root, 'nodejs/bin/node'));
  mkdirSync(join(root, 'etc/sallyport'), { recursive: true });
  const mounted = `http: { addr: "127.0.0.1:${port}" }\nstore: "sqlite:${tree.workdir}/chroot.db"\n`;
  writeFileSync(join(root, 'etc/sallyport/config.yaml'), mounted);
  const [entry = ''] = lastOf(image, 'ENTRYPOINT').words;
  const args = [`--userspec=${lastOf(image, 'USER').text}`, root, entry, ...lastOf(image, 'CMD').words];
  const running = await launch({ command: 'chroot', args, env: tree.env, stopSignal: 'SIGINT', owner: t });
  await until('it is ready', async () => (await request(origin, '/ready')).status === 200);
  assert.match(running.output(), /by \/etc\/sallyport\/config\.yaml/);
});
