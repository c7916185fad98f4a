/** Every query of the dashboard and of the alerts, evaluated by the real Prometheus over what the real service tells. */
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { json, listen } from '../peers/loopback.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { freePort } from '../servers/free-port.ts';
import { needs } from '../servers/programs.ts';
import { type Prometheus, startPrometheus } from '../servers/prometheus.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const deploy = join(import.meta.dirname, '..', '..', 'deploy');
const prometheusNeeded = needs('prometheus');

const targets = (port: number, closedPort: number): string => `
workers: 2
egress:
  targets:
    good: { url: "http://127.0.0.1:${port}", allow_private: true, auth: { type: bearer, token: canary-token } }
    failing: { url: "http://127.0.0.1:${port}/failing", allow_private: true, callers: { mode: report, allow: [{ api_key: none }] } }
    tokens:
      url: "http://127.0.0.1:${port}"
      allow_private: true
      auth: { type: oauth2_client_credentials, token_url: "http://127.0.0.1:${port}/token", client_id: a, client_secret: b }
    tokenless:
      url: "http://127.0.0.1:${port}"
      allow_private: true
      auth: { type: oauth2_client_credentials, token_url: "http://127.0.0.1:${port}/no-token", client_id: a, client_secret: b }
    flaky: { url: "http://127.0.0.1:${port}/flaky", allow_private: true, retry_count: 1, retry_delay: 1ms, breaker: { enabled: false } }
    closed: { url: "http://127.0.0.1:${port}", allow_private: true, callers: [{ api_key: none }] }
    gone: { url: "http://127.0.0.1:${closedPort}", allow_private: true, retry_count: 0 }
  routes:
    - { path_prefix: /ext/good, target: good, strip_prefix: /ext/good }
    - { path_prefix: /ext/failing, target: failing, strip_prefix: /ext/failing }
    - { path_prefix: /ext/tokens, target: tokens, strip_prefix: /ext/tokens }
    - { path_prefix: /ext/tokenless, target: tokenless, strip_prefix: /ext/tokenless }
    - { path_prefix: /ext/flaky, target: flaky, strip_prefix: /ext/flaky }
    - { path_prefix: /ext/closed, target: closed, strip_prefix: /ext/closed }
    - { path_prefix: /ext/gone, target: gone, strip_prefix: /ext/gone }
`;

/** The answers that each target's callers get, so that a query with no result is a query that is wrong. */
const expected: Readonly<Record<string, number>> = {
  good: 200,
  failing: 500,
  tokens: 200,
  tokenless: 503,
  flaky: 503,
  closed: 401,
  gone: 502,
};

const CALLS = 15;

const callAll = async (sallyport: Sallyport): Promise<void> => {
  for (const [target, status] of Object.entries(expected)) {
    for (let call = 0; call < CALLS; call++) {
      const answer = await fetch(`${sallyport.url}/ext/${target}/a`);
      await answer.arrayBuffer();
      // A target that is never there is left alone after a while.
      if (answer.status !== 503) assert.equal(answer.status, status, target);
    }
  }
};

/** Calls of all targets: a scrape in the middle of a round would miss the last ones. */
const isScraped = (prometheus: Prometheus, rounds: number) => async (): Promise<boolean> =>
  (await prometheus.query('sum(egress_requests_total)'))[0]?.value === rounds * CALLS * Object.keys(expected).length;

/** By two workers, whose counts are put together. Two rounds of calls with a scrape after each, so that everything has a rate. */
const start = async (): Promise<Prometheus> => {
  const target = await listen(
    ({ url }) => {
      if (url.startsWith('/failing')) return json(500, {});
      if (url === '/no-token' || url.startsWith('/flaky')) return json(503, {});
      return json(200, url === '/token' ? { access_token: 't', token_type: 'Bearer', expires_in: 3600 } : {});
    },
    { after },
  );
  const sallyport = await startSallyport({ config: targets(target.port, await freePort()), owner: { after } });
  const { path } = createWorkdir('prometheus-config', { after });
  for (const file of globSync(`${deploy}/prometheus/*.yaml`)) {
    const text = readFileSync(file, 'utf8');
    const near = text
      .replace('sallyport:8080', `127.0.0.1:${sallyport.port}`)
      .replaceAll(/_interval: 15s/g, '_interval: 250ms');
    writeFileSync(join(path, basename(file)), near);
  }
  const prometheus = await startPrometheus({ config: join(path, 'prometheus.yaml'), owner: { after } });
  await callAll(sallyport);
  await until('the first calls are scraped', isScraped(prometheus, 1));
  await callAll(sallyport);
  await until('the further calls are scraped', isScraped(prometheus, 2));
  return prometheus;
};

const started = prometheusNeeded.skip ? undefined : await start();

const running = (): Prometheus => started ?? assert.fail('Prometheus was not started');

type Panel = Readonly<{ title: string; targets: readonly { expr: string }[] }>;

for (const file of [`${deploy}/grafana/egress.json`]) {
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as { panels: readonly Panel[] };
  for (const { title, targets: queries } of panels) {
    test(`${basename(file)} shows "${title}"`, prometheusNeeded, async () => {
      for (const { expr } of queries) {
        const samples = await running().query(expr);
        assert.ok(
          samples.some(({ value }) => value > 0),
          `${expr}: ${JSON.stringify(samples)}`,
        );
      }
    });
  }
}

test('every alert is evaluated, and would fire for the target that it is about', prometheusNeeded, async () => {
  const prometheus = running();
  await until('the rules are evaluated', async () =>
    (await prometheus.rules()).every(({ health }) => health !== 'unknown'),
  );
  const firing: Record<string, readonly string[]> = {};
  for (const { name, query, health } of await prometheus.rules()) {
    assert.equal(health, 'ok', name);
    if (!name.startsWith('Egress')) continue;
    firing[name] = (await prometheus.query(query)).map(({ labels }) => labels['target'] ?? '').sort();
  }
  assert.deepEqual(firing, {
    EgressHighErrorRate: ['failing', 'flaky', 'gone', 'tokenless'],
    EgressCredentialRefreshFailed: ['tokenless'],
    EgressCredentialUnavailable: ['tokenless'],
    EgressTargetUnreachable: ['gone'],
    EgressCallersRefused: ['closed'],
  });
});

test('the dashboard has the queries that are promised', () => {
  const text = readFileSync(`${deploy}/grafana/egress.json`, 'utf8');
  for (const query of [
    'sum(rate(egress_requests_total[5m])) by (target)',
    'histogram_quantile(0.99, rate(egress_request_duration_seconds_bucket[5m]))',
    'sum(rate(egress_requests_total{status=~\\"5..\\"}[5m])) by (target)\\n/ sum(rate(egress_requests_total[5m])) by (target) * 100',
  ])
    assert.ok(text.includes(query), query);
});
