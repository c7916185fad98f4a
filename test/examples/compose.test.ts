/** `docker compose up` for each seed: what Compose's own loader takes, confined, and open to this machine alone. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { locate, needs } from '../servers/programs.ts';

const examples = join(import.meta.dirname, '../../examples');

/** The seed that each of them stands for. */
const seeds = { egress: '000', zones: '001', sandbox: '002', 'api-keys': '003', paywall: '004' } as const;
const folders = Object.keys(seeds) as (keyof typeof seeds)[];

type Service = Readonly<{
  image?: string;
  build?: string;
  user?: string;
  ports?: readonly string[];
  volumes?: readonly string[];
  cap_drop?: readonly string[];
  read_only?: boolean;
  restart?: string;
  privileged?: boolean;
  network_mode?: string;
  depends_on?: Readonly<Record<string, Readonly<{ condition: string }>>>;
}>;

const textOf = (path: string) => readFileSync(join(examples, path), 'utf8');
const servicesOf = (folder: string): [string, Service][] =>
  Object.entries(parse(textOf(`${folder}/docker-compose.yaml`), { merge: true }).services);

/** Their images need to write where they like: they are databases, and stand in for those of the user. */
const others = ['postgres', 'redis', 'keycloak'];

/** These say in themselves that they do not run as root. */
const unprivileged = ['nginxinc/nginx-unprivileged'];

test('every seed has one, and there is no other', () => {
  const found = globSync('*/docker-compose.yaml', { cwd: examples }).map((path) => dirname(path));
  assert.deepEqual(found.toSorted(), folders.toSorted());
  assert.deepEqual(Object.values(seeds).toSorted(), ['000', '001', '002', '003', '004']);
});

for (const folder of folders) {
  const services = servicesOf(folder);
  const own = services.filter(([name]) => !others.includes(name));

  test(`examples/${folder}: Compose's own loader takes the file`, needs('compose-spec'), () => {
    // Whatever has to be in .env is not there yet.
    const words = ['-no-interpolation', '-format', 'json', 'docker-compose.yaml'];
    const cwd = join(examples, folder);
    const { status, stderr, stdout } = spawnSync(locate('compose-spec'), words, { cwd, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.deepEqual(Object.keys(JSON.parse(stdout).services).toSorted(), services.map(([name]) => name).toSorted());
  });

  test(`examples/${folder}: what is ours is read-only and without capabilities, and comes back after a crash`, () => {
    assert.ok(own.some(([, { build }]) => build === '../..'));
    for (const [name, service] of own) {
      assert.equal(service.read_only, true, name);
      assert.deepEqual(service.cap_drop, ['ALL'], name);
    }
    for (const [name, service] of services) {
      assert.equal(service.restart, 'unless-stopped', name);
      assert.equal(service.privileged, undefined, name);
      assert.notEqual(service.network_mode, 'host', name);
    }
  });

  test(`examples/${folder}: what has no capabilities does not start as root, for it could become nobody else`, () => {
    for (const [name, { image = '', build, user }] of own)
      assert.ok(build !== undefined || user !== undefined || unprivileged.includes(image.split(':')[0] ?? ''), name);
  });

  test(`examples/${folder}: ports are of this machine alone, and images are named by version`, () => {
    for (const [name, { image, build, ports = [] }] of services) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, name);
      assert.ok((image === undefined) !== (build === undefined), name);
      if (image !== undefined) assert.match(image, /:v?\d[\w.-]*$/, name);
    }
  });

  test(`examples/${folder}: files that are mounted are there or made by its first command, and none is writable`, () => {
    const mounts = services.flatMap(([, { volumes = [] }]) => volumes).filter((volume) => volume.startsWith('.'));
    for (const mount of mounts) {
      const [from = '', , mode] = mount.split(':');
      assert.equal(mode, 'ro', mount);
      assert.ok(existsSync(join(examples, folder, from)) || /^\.\/certs(\/|$)/.test(from), mount);
    }
  });

  test(`examples/${folder}: the head of the file says the command, and all that it waits for is there`, () => {
    assert.match(textOf(`${folder}/docker-compose.yaml`), /^#.*docker compose up --build --detach --wait/);
    const names = services.map(([name]) => name);
    for (const [, { depends_on = {} }] of services)
      for (const name of Object.keys(depends_on)) assert.ok(names.includes(name), name);
  });
}
