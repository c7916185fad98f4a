/** Values that cannot work are refused by Helm, before anything is installed, and the refusal says which. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { validate } from '../../src/commands/validate.ts';
import { at, find, listAt, textAt } from '../k8s/manifests.ts';
import { needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { chart, objectsOf, render } from './helm.ts';

const directory = createWorkdir('chart', { after }).path;
const textOf = (name: string) => readFileSync(join(chart, name), 'utf8');
const sallyport = { release: 'sallyport', namespace: 'sallyport' };

const refused: readonly (readonly [words: string, says: RegExp])[] = [
  ['replica=3', /additional properties 'replica' not allowed/],
  ['front.type=nginx', /front\/type.*ingress-nginx/],
  ['front.type=traefik', /front\/host.*minLength/],
  ['image.tag=latest', /image\/tag/],
  ['image.digest=abc', /image\/digest/],
  ['data.volume=memory', /data\/volume.*claim/],
  ['resources.limits=null', /resources.*limits/],
  ['terminationGracePeriodSeconds=5', /terminationGracePeriodSeconds.*minimum/],
  ['replicas=2', /data\.volume is claim.*PostgreSQL/s],
  ['autoscaling.maxReplicas=2', /data\.volume is claim.*PostgreSQL/s],
  ['postgresql.enabled=true', /postgresql\.secret/],
  ['redis.enabled=true', /redis\.secret\.name/],
  ['front.type=gateway-api,front.host=a.example,front.namespace=a', /a port named grpc/],
  ['pods.enabled=true', /pods\/templates.*minProperties/],
  ['front.headers={X-A:B}', /front\/headers/],
];

for (const [words, says] of refused) {
  test(`--set ${words} is refused, and the refusal says why`, needs('helm'), () => {
    const { ok, stderr } = render({ ...sallyport, words: ['--set', words] });
    assert.ok(!ok);
    assert.match(stderr, says);
  });
}

/** The paths of all values that the schema knows, down to where it leaves the rest to whoever writes it. */
const pathsOf = (schema: unknown, path = ''): string[] => {
  const properties = at(schema, 'properties');
  if (typeof properties !== 'object' || properties === null) return [path];
  return Object.entries(properties).flatMap(([name, inner]) => pathsOf(inner, path === '' ? name : `${path}.${name}`));
};

test('values.yaml has every value that the schema knows', () => {
  const values: unknown = parse(textOf('values.yaml'));
  const known = pathsOf(JSON.parse(textOf('values.schema.json'))).filter(
    (path) => path !== 'global' && !/^resources\./.test(path),
  );
  assert.ok(known.length > 50);
  assert.deepEqual(
    known.filter((path) => at(values, path) === undefined),
    [],
  );
});

const written = (name: string, resources: ReturnType<typeof objectsOf>) => {
  const path = join(directory, `${name}.yaml`);
  const data = at(find(resources, 'ConfigMap', 'sallyport'), 'data');
  writeFileSync(path, String((data as Record<string, unknown>)['sallyport.yaml']));
  return path;
};

test('`sallyport validate` finds nothing wrong with the configuration of values.yaml', needs('helm'), async () => {
  const path = written('default', objectsOf({ ...sallyport, words: [] }));
  const { exitCode, output } = await validate(path, { env: {}, json: true });
  assert.equal(exitCode, 0, output);
});

test(
  'values/replicas.yaml, with the README’s for a database of one’s own, makes a Deployment that rolls',
  needs('helm'),
  async () => {
    const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(textOf('README.md')) ?? [];
    const path = join(directory, 'database.yaml');
    writeFileSync(path, yaml);
    const resources = objectsOf({
      ...sallyport,
      words: ['--values', join(chart, 'values/replicas.yaml'), '--values', path],
    });
    const deployment = find(resources, 'Deployment', 'sallyport');
    assert.equal(at(deployment, 'spec.strategy.rollingUpdate.maxUnavailable'), 0);
    assert.equal(at(deployment, 'spec.replicas'), undefined, 'how many is up to the autoscaler');
    assert.equal(at(find(resources, 'HorizontalPodAutoscaler', 'sallyport'), 'spec.minReplicas'), 2);
    assert.deepEqual(
      resources.filter(({ kind }) => ['PersistentVolumeClaim', 'StatefulSet'].includes(kind)),
      [],
    );
    const env = {
      DATABASE_URL: 'postgres://sallyport@db.example.com/sallyport',
      REDIS_URL: 'redis://redis:6379',
      LEDGER_KEY: randomBytes(32).toString('hex'),
    };
    const { exitCode, output } = await validate(written('several', resources), { env, json: true });
    assert.equal(exitCode, 0, output);
  },
);

test('another configuration makes new pods, and the same one does not', needs('helm'), () => {
  const checksumOf = (...words: string[]) => {
    const deployment = find(objectsOf({ ...sallyport, words }), 'Deployment', 'sallyport');
    const annotations = at(deployment, 'spec.template.metadata.annotations') as Record<string, unknown>;
    return String(annotations['checksum/configuration']);
  };
  assert.equal(checksumOf(), checksumOf());
  assert.notEqual(checksumOf(), checksumOf('--set', 'config.logger.level=debug'));
});

test('with nobody to let in, the network policy lets nobody in', needs('helm'), () => {
  const resources = objectsOf({ ...sallyport, words: ['--set', 'monitoring.namespace='] });
  const policy = find(resources, 'NetworkPolicy', 'sallyport');
  // A rule whose list of peers is empty would let everybody in.
  assert.deepEqual(at(policy, 'spec.ingress'), []);
  assert.deepEqual(at(policy, 'spec.policyTypes'), ['Ingress', 'Egress']);
});

test('versions are those of the package', () => {
  const { version } = JSON.parse(readFileSync(join(chart, '..', '..', 'package.json'), 'utf8'));
  const read: unknown = parse(textOf('Chart.yaml'));
  assert.equal(textAt(read, 'appVersion'), version);
  assert.equal(textAt(read, 'version'), version);
});

test('one more release in the same namespace shares no name and no selector with the first', needs('helm'), () => {
  const of = (release: string) => objectsOf({ release, namespace: 'sallyport', words: [] });
  const names = (release: string) => of(release).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  const first = names('sallyport');
  assert.deepEqual(
    names('second').filter((name) => first.includes(name)),
    [],
  );
  const pods = at(find(of('second'), 'Deployment', 'second-sallyport'), 'spec.selector.matchLabels');
  assert.deepEqual(pods, { 'app.kubernetes.io/name': 'second-sallyport' });
  assert.equal(listAt(find(of('second'), 'Service', 'second-sallyport'), 'spec.ports').length, 1);
});
