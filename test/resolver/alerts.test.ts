/** Every alert on the resolver, evaluated by the real Prometheus over what the real service tells. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { listen } from '../peers/loopback.ts';
import { startSallyport } from '../sallyport.ts';
import { needs } from '../servers/programs.ts';
import { startPrometheus } from '../servers/prometheus.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { jwtSecret, sandboxToken } from './tokens.ts';

const deploy = join(import.meta.dirname, '../../deploy/prometheus');

test('every alert fires for what it is about, from the first failure on', needs('prometheus'), async (t) => {
  const service = await listen(({ url }) => ({ status: url.includes('tenant=known') ? 404 : 500 }), t);
  const gate = await startSallyport({
    owner: t,
    config: `resolver:
  secret: "${jwtSecret}"
  source: config_service
  config_service: { url: "${service.url}/" }
`,
  });
  const { path } = createWorkdir('prometheus-config', t);
  for (const file of ['prometheus.yaml', 'resolver.rules.yaml', 'egress.rules.yaml']) {
    const text = readFileSync(join(deploy, file), 'utf8').replace('sallyport:8080', `127.0.0.1:${gate.port}`);
    writeFileSync(join(path, basename(file)), text.replaceAll(/_interval: 15s/g, '_interval: 250ms'));
  }
  const prometheus = await startPrometheus({ config: join(path, 'prometheus.yaml'), owner: t });
  const scraped = (least: number) => async () =>
    ((await prometheus.query('sum(sallyport_resolver_decisions_total) >= 0'))[0]?.value ?? -1) >= least;
  await until('it was scraped before anything happened', scraped(0));

  const ask = async (target: string, token: string) =>
    (await request(gate.url, `/resolve${target}`, { headers: { Host: 'localhost', 'x-sandbox-jwt': token } })).status;
  const of = (tenant: string) => sandboxToken({ claims: { tenant_id: tenant } });
  const known = await of('known');
  for (let n = 0; n < 60; n++) assert.equal(await ask('/health', known), 403);
  for (let n = 0; n < 15; n++) assert.equal(await ask('/v1/x', 'bad'), 401);
  for (let n = 0; n < 8; n++) assert.equal(await ask('/v1/x', await of(`new-${n}`)), 503);
  assert.equal(await ask('/v1/x', known), 503);
  await until('all of it was scraped', scraped(84));

  const { groups } = parse(readFileSync(join(deploy, 'resolver.rules.yaml'), 'utf8'));
  const rules: { alert: string; expr: string }[] = groups[0].rules;
  const firing: Record<string, unknown> = {};
  for (const { alert, expr } of rules) {
    firing[alert] = (await prometheus.query(expr)).map(({ labels }) => labels['result'] ?? 'fires').toSorted();
  }
  assert.deepEqual(firing, {
    ResolverCredentialUnavailable: ['credential_missing', 'credentials_unavailable'],
    ResolverConfigServiceFailing: ['fires'],
    ResolverBadTokens: ['invalid_token'],
    ResolverProbed: ['fires'],
  });
});
