/** k8s/replicas: two and more of Sallyport, on one PostgreSQL and one Redis. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import { parse } from 'yaml';
import { validate } from '../../src/commands/validate.ts';
import { ask, startPostgres } from '../servers/postgres.ts';
import { locate, needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { at, controllers, find, listAt, resourcesOf, textAt, textOf } from './manifests.ts';
import { labelsAt, podsFor } from './selectors.ts';

const resources = resourcesOf('replicas');
const sallyport = find(resources, 'Deployment', 'sallyport');
const configurationIn = (folder: string): string =>
  String(Object(at(find(resourcesOf(folder), 'ConfigMap', 'sallyport'), 'data'))['sallyport.yaml']);

test('replicas are replaced one by one, on different nodes, and the autoscaler alone says how many', () => {
  assert.equal(at(sallyport, 'spec.replicas'), undefined);
  assert.deepEqual(at(sallyport, 'spec.strategy'), {
    type: 'RollingUpdate',
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
  });
  const spread = listAt(sallyport, 'spec.template.spec.topologySpreadConstraints').map((one) => at(one, 'topologyKey'));
  assert.deepEqual(spread, ['kubernetes.io/hostname', 'topology.kubernetes.io/zone']);
  const scaler = find(resources, 'HorizontalPodAutoscaler', 'sallyport');
  assert.equal(at(scaler, 'spec.minReplicas'), 2);
  // 100 connections, as PostgreSQL has them by itself, of which 3 are kept for its administrator.
  assert.ok(Number(at(scaler, 'spec.maxReplicas')) * 12 <= 97);
  assert.deepEqual(
    resources.filter(({ kind, metadata }) => kind === 'PersistentVolumeClaim' && metadata.name === 'sallyport'),
    [],
  );
});

for (const folder of ['replicas', 'replicas/with-pods']) {
  test(`k8s/${folder}: all replicas share a database, a Redis, and the key that seals money`, async () => {
    const { path } = createWorkdir('configuration', { after });
    const file = join(path, 'sallyport.yaml');
    const config = parse(configurationIn(folder));
    assert.deepEqual(
      [config.store, config.redis, config.cashu.encryption_key],
      ['DATABASE_URL', 'REDIS_URL', 'LEDGER_KEY'].map((name) => `$\{${name}}`),
    );
    // The file of templates is another ConfigMap's.
    const template = Object(at(find(resourcesOf('pods'), 'ConfigMap', 'sallyport-pod-templates'), 'data'))[
      'default.yaml'
    ];
    writeFileSync(join(path, 'default.yaml'), String(template));
    writeFileSync(file, configurationIn(folder).replace('/etc/pod-templates/', `${path}/`));
    const env = {
      DATABASE_URL: 'postgres://sallyport:secret@postgresql:5432/sallyport',
      REDIS_URL: 'redis://:secret@redis:6379',
      LEDGER_KEY: randomBytes(32).toString('hex'),
    };
    const { exitCode, output } = await validate(file, { env, json: true });
    assert.equal(exitCode, 0, output);
  });
}

test('the Secret that the head of the configuration makes has every value that a pod asks for', () => {
  const offered = [...textOf('replicas/10-configuration.yaml').matchAll(/^# {3}([A-Z_]+)=/gm)].map(([, name]) => name);
  const asked = [...JSON.stringify(resources).matchAll(/"secretKeyRef":\{"name":"([^"]+)","key":"([^"]+)"/g)];
  assert.deepEqual([...new Set(asked.map(([, name]) => name))], ['sallyport-store']);
  assert.deepEqual([...new Set(asked.map(([, , key]) => key))].toSorted(), offered.toSorted());
});

test('the Deployment is that of k8s/gateway-api but for how it is replaced, where it keeps things, and its Secret', () => {
  const known = ['replicas', 'strategy'];
  const [mine, theirs] = [sallyport, find(resourcesOf('gateway-api'), 'Deployment', 'sallyport')].map((deployment) => {
    const text = JSON.stringify(at(deployment, 'spec'), (key, value) => (known.includes(key) ? undefined : value));
    const pod = JSON.parse(text);
    const [container] = pod.template.spec.containers;
    container.env = container.env.filter(({ valueFrom }: { valueFrom?: unknown }) => valueFrom === undefined);
    pod.template.spec.volumes = pod.template.spec.volumes.filter(({ name }: { name: string }) => name !== 'data');
    pod.template.spec.topologySpreadConstraints.length = 1;
    return pod;
  });
  assert.deepEqual(mine, theirs);
});

test('the network lets in every controller, Prometheus and the relay, and out to the database and Redis besides', () => {
  const policy = find(resources, 'NetworkPolicy', 'sallyport');
  const namespacesOf = (rules: readonly unknown[]) =>
    rules.flatMap((rule) =>
      listAt(rule, 'from').flatMap(
        (from) => Object(at(from, 'namespaceSelector.matchLabels'))['kubernetes.io/metadata.name'] ?? [],
      ),
    );
  const theirs = controllers.flatMap((controller) =>
    namespacesOf(listAt(find(resourcesOf(controller), 'NetworkPolicy', 'sallyport'), 'spec.ingress')),
  );
  assert.deepEqual(new Set(namespacesOf(listAt(policy, 'spec.ingress'))), new Set(theirs));
  const inside = listAt(policy, 'spec.egress').flatMap((rule) =>
    listAt(rule, 'to').flatMap((to) => (at(to, 'podSelector') === undefined ? [] : [[to, rule] as const])),
  );
  assert.deepEqual(
    inside.map(([to, rule]) => [
      Object(at(to, 'podSelector.matchLabels'))['app.kubernetes.io/name'],
      at(rule, 'ports.0.port'),
    ]),
    [
      ['postgresql', 5432],
      ['redis', 6379],
    ],
  );
  const application = find(resources, 'NetworkPolicy', 'example-app');
  assert.deepEqual(
    new Set(namespacesOf(listAt(application, 'spec.ingress'))),
    new Set(theirs.filter((name) => name !== 'monitoring')),
  );
});

test('database and Redis are reached by Sallyport alone, and the database by backups', () => {
  const callersOf = (name: string) =>
    listAt(find(resources, 'NetworkPolicy', name), 'spec.ingress.0.from').map(
      (from) => labelsAt(from, 'podSelector.matchLabels')['app.kubernetes.io/name'],
    );
  assert.deepEqual(callersOf('postgresql'), ['sallyport', 'sallyport-backup']);
  assert.deepEqual(callersOf('redis'), ['sallyport']);
  assert.equal(podsFor(resources, { 'app.kubernetes.io/name': 'redis' }).length, 1);
});

test('with pods it is k8s/replicas with what k8s/pods adds, and nothing else', () => {
  const addedBy = (from: string, to: string): string[] => {
    const known = textOf(from).split('\n');
    return textOf(to)
      .split('\n')
      .filter((line) => !known.includes(line) && !line.startsWith('#'));
  };
  for (const name of ['10-configuration.yaml', '30-sallyport.yaml']) {
    assert.deepEqual(
      addedBy(`replicas/${name}`, `replicas/with-pods/${name}`),
      addedBy(`nginx/${name}`, `pods/${name}`),
      name,
    );
  }
});

/** The script of a Job as it stands, on this machine: its volume is a folder. */
const runScript = (container: unknown, folder: string, url: string) => {
  const [command = '', ...args] = listAt(container, 'command').map(String);
  const script = textAt(container, 'args.0').replaceAll('/backup', folder);
  const env = { PATH: `${locate('postgres')}:${process.env['PATH']}`, DATABASE_URL: url };
  return spawnSync(command, [...args, script], { encoding: 'utf8', env });
};

const [backup] = listAt(
  find(resources, 'CronJob', 'sallyport-backup'),
  'spec.jobTemplate.spec.template.spec.containers',
);
const [restore] = listAt(
  find(resourcesOf('replicas/restore'), 'Job', 'sallyport-restore'),
  'spec.template.spec.containers',
);

test(
  'the nightly job makes whole backups, keeps fourteen, and the newest is restored in the place of all',
  needs('postgres'),
  async () => {
    const server = await startPostgres({ owner: { after } });
    const { path: folder } = createWorkdir('backups', { after });
    for (let day = 10; day < 25; day += 1) writeFileSync(join(folder, `sallyport-202601${day}T031700Z.dump`), '');
    writeFileSync(join(folder, 'sallyport-20260109T031700Z.dump.part'), '');
    await ask(server.url, 'CREATE TABLE money AS SELECT generate_series(1, 1000) AS sat');

    const made = runScript(backup, folder, server.url);
    assert.equal(made.status, 0, made.stderr);
    const kept = readdirSync(folder).toSorted();
    assert.deepEqual([kept.length, kept[0]], [14, 'sallyport-20260112T031700Z.dump']);

    await ask(server.url, 'UPDATE money SET sat = 0; INSERT INTO money VALUES (7)');
    const restored = runScript(restore, folder, server.url);
    assert.equal(restored.status, 0, restored.stderr);
    const [sums] = await ask(server.url, 'SELECT count(*)::int AS count, sum(sat)::int AS sum FROM money');
    assert.deepEqual(sums, { count: 1000, sum: 500_500 });

    const other = new pg.Client({ connectionString: server.url });
    await other.connect();
    const refused = runScript(restore, folder, server.url);
    await other.end();
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /1 connections: Sallyport still runs/);
  },
);

test('a backup that fails leaves those that are there, and the job fails', needs('postgres'), () => {
  const { path } = createWorkdir('backups', { after });
  writeFileSync(join(path, 'sallyport-20260110T031700Z.dump'), 'old');
  assert.notEqual(runScript(backup, path, 'postgres://127.0.0.1:1/none').status, 0);
  assert.ok(readdirSync(path).includes('sallyport-20260110T031700Z.dump'));
});
