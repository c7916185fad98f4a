/** What is measured and told: k8s/monitoring against deploy/, against the Services, and against what the service measures. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { locate, needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { at, find, listAt, type Resource, resourcesOf, textAt } from './manifests.ts';
import { matches } from './selectors.ts';

const root = join(import.meta.dirname, '..', '..');
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const resources = resourcesOf('monitoring');

type Rule = Readonly<{ alert: string; expr: string; labels: Readonly<Record<string, string>> }>;
type Group = Readonly<{ name: string; rules: readonly Rule[] }>;
const groupsOf = (name: string): Group[] => parse(textOf(`deploy/prometheus/${name}.rules.yaml`)).groups;

test('the operator’s rules and Grafana’s dashboards are those of deploy/, word for word', () => {
  const rules = find(resources, 'PrometheusRule', 'sallyport');
  assert.deepEqual(listAt(rules, 'spec.groups'), ['gate', 'egress', 'resolver'].flatMap(groupsOf));
  const files = globSync('deploy/grafana/*.json', { cwd: root });
  assert.equal(files.length, 2);
  const data = Object(at(find(resources, 'ConfigMap', 'sallyport-dashboards'), 'data'));
  assert.equal(Object.keys(data).length, files.length);
  for (const file of files) assert.ok(data[`sallyport-${file.replace(/.*\//, '')}`] === textOf(file), file);
});

test('Prometheus itself reads every file of rules that is there', () => {
  const files = globSync('deploy/prometheus/*.rules.yaml', { cwd: root }).map((file) => file.replace(/.*\//, ''));
  assert.deepEqual(parse(textOf('deploy/prometheus/prometheus.yaml')).rule_files.toSorted(), files.toSorted());
});

const labelsOf = ({ metadata }: Resource) => metadata.labels ?? {};

for (const [monitor, folders, job] of [
  ['sallyport', ['nginx', 'pods'], 'sallyport'],
  ['sallyport-others', ['egress'], 'egress-proxy'],
  ['sallyport-others', ['api-keys'], 'api-key-service'],
] as const) {
  test(`the ServiceMonitor ${monitor} finds one Service of k8s/${folders.join(' and k8s/')}, and the port that has metrics`, () => {
    const { spec } = find(resources, 'ServiceMonitor', monitor);
    for (const folder of folders) {
      const namespaces = listAt(spec, 'namespaceSelector.matchNames');
      const values = listAt(spec, 'selector.matchExpressions.0.values');
      const services = resourcesOf(folder).filter(
        (resource) =>
          resource.kind === 'Service' &&
          namespaces.includes(resource.metadata.namespace) &&
          (values.includes(labelsOf(resource)['app.kubernetes.io/name']) ||
            matches(Object(at(spec, 'selector.matchLabels')), labelsOf(resource))),
      );
      assert.equal(services.length, 1, folder);
      assert.equal(labelsOf(services[0] ?? assert.fail())[textAt(spec, 'jobLabel')], job);
      const ports = listAt(services[0], 'spec.ports').map((port) => at(port, 'name'));
      assert.ok(ports.includes(at(spec, 'endpoints.0.port')));
    }
  });
}

test('the PodMonitor finds the pods of the resolver, and the port that has metrics', () => {
  const { spec } = find(resources, 'PodMonitor', 'sallyport-resolver');
  const [pods, ...more] = resourcesOf('sandbox').filter(({ kind }) => kind === 'Deployment');
  assert.deepEqual(more, []);
  assert.deepEqual(listAt(spec, 'namespaceSelector.matchNames'), [pods?.metadata.namespace]);
  const labels = Object(at(pods, 'spec.template.metadata.labels'));
  assert.ok(matches(Object(at(spec, 'selector.matchLabels')), labels));
  const ports = listAt(pods, 'spec.template.spec.containers.0.ports').map((port) => at(port, 'name'));
  assert.ok(ports.includes(at(spec, 'podMetricsEndpoints.0.port')));
});

test('every metric of the gate’s rules and dashboard is one that the service makes', () => {
  const sources = globSync('src/**/*.ts', { cwd: root })
    .filter((path) => !path.endsWith('.test.ts'))
    .map(textOf)
    .join('');
  const asked = `${textOf('deploy/prometheus/gate.rules.yaml')}${textOf('deploy/grafana/gate.json')}`;
  const names = new Set([...asked.matchAll(/\bsallyport_(\w+)/g)].map(([, name = '']) => name.replace(/_bucket$/, '')));
  assert.ok(names.size > 15);
  const isMade = (name: string): boolean =>
    [`sallyport_${name}'`, `'${name}'`, `'${name.replace(/^pods_/, '')}'`].some((text) => sources.includes(text));
  assert.deepEqual(
    [...names].filter((name) => !isMade(name)),
    [],
  );
});

/** Series by which each alert of the gate fires, and the labels that it then has. Each is quiet on the other series. */
const firing: Readonly<Record<string, readonly [series: Readonly<Record<string, string>>, labels: object]>> = {
  SallyportDown: [{ 'up{job="sallyport"}': '0x30' }, {}],
  SallyportCannotDecide: [
    {
      'sallyport_decisions_total{outcome="allow"}': '0+900x30',
      'sallyport_decisions_total{outcome="store_unavailable"}': '0+100x30',
    },
    { outcome: 'store_unavailable' },
  ],
  SallyportSlow: [
    {
      'sallyport_decision_duration_seconds_bucket{dialect="nginx",le="0.25"}': '0+1x30',
      'sallyport_decision_duration_seconds_bucket{dialect="nginx",le="1"}': '0+100x30',
      'sallyport_decision_duration_seconds_bucket{dialect="nginx",le="+Inf"}': '0+100x30',
    },
    { dialect: 'nginx' },
  ],
  SallyportRedisAway: [{ sallyport_redis_up: '0x30' }, {}],
  SallyportReloadRefused: [{ 'sallyport_config_reloads_total{result="refused"}': '0x25 1x5' }, {}],
  SallyportCertificateEnds: [
    { 'sallyport_certificate_end_timestamp_seconds{listener="http"}': '86400x30' },
    { listener: 'http' },
  ],
  SallyportPaymentsUncertain: [{ sallyport_payments_prepared_oldest_seconds: '0+60x30' }, {}],
  SallyportPaymentsUnsettled: [{ sallyport_payments_unsettled_oldest_seconds: '4000x30' }, {}],
  SallyportUsageLost: [{ 'sallyport_usage_events_total{result="queue_full"}': '0+1x30' }, {}],
  SallyportBillingWaitsForAPerson: [{ sallyport_billing_reconcile: '2x30' }, {}],
  SallyportPodsGivenBack: [
    { 'sallyport_pods_provisions_total{result="given_back",template="default"}': '0x25 1x5' },
    { template: 'default' },
  ],
  SallyportPodsFailing: [
    { 'sallyport_pods_provisions_total{result="failed",template="default"}': '0+1x30' },
    { template: 'default' },
  ],
  SallyportPodsOrphaned: [{ sallyport_pods_orphans: '1x30' }, {}],
};

const alerts = groupsOf('gate').flatMap(({ rules }) => rules);

test('every alert of the gate fires on what it is about, and on nothing else', needs('promtool'), (t) => {
  assert.deepEqual(
    alerts.map(({ alert }) => alert),
    Object.keys(firing),
  );
  const { path } = createWorkdir('promtool', t);
  writeFileSync(
    join(path, 'gate.rules.yaml'),
    textOf('deploy/prometheus/gate.rules.yaml')
      .replace(/summary: .*/g, 'summary: ""')
      .replace(/^ *description: .*\n/gm, ''),
  );
  const quiet = { 'up{job="sallyport"}': '1x30' };
  const tests = Object.entries(firing).map(([name, [series, labels]]) => ({
    name,
    interval: '1m',
    input_series: Object.entries({ ...quiet, ...series }).map(([key, values]) => ({ series: key, values })),
    alert_rule_test: alerts.map(({ alert, labels: { severity } }) => ({
      eval_time: '30m',
      alertname: alert,
      exp_alerts: alert === name ? [{ exp_labels: { severity, ...labels }, exp_annotations: { summary: '' } }] : [],
    })),
  }));
  writeFileSync(
    join(path, 'tests.yaml'),
    stringify({ rule_files: ['gate.rules.yaml'], evaluation_interval: '1m', tests }),
  );
  const { status, stdout, stderr } = spawnSync(locate('promtool'), ['test', 'rules', 'tests.yaml'], {
    cwd: path,
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
});
