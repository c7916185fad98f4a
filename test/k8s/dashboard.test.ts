/** Every query of the gate's dashboard, evaluated by the real Prometheus over what the real service tells of decisions and money. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startMint } from '../peers/mint.ts';
import { startSallyport } from '../sallyport.ts';
import { needs } from '../servers/programs.ts';
import { type Prometheus, startPrometheus } from '../servers/prometheus.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { ownerOfFile } from './file-owner.ts';
import { onLoopback } from './fronts.ts';

const deploy = join(import.meta.dirname, '..', '..', 'deploy');
const owner = ownerOfFile();
const needed = needs('prometheus');

/** What has nothing to show where nothing failed, and where no payment starts pods. */
const quiet = [
  'Error rate',
  'Oldest payment without a certain answer',
  'Pod provisioning success rate',
  'Pods',
  'From the payment to the pod',
];

const start = async (): Promise<Prometheus> => {
  const mint = await startMint({ owner });
  const gate = await startSallyport({ owner, config: onLoopback('nginx', mint.url) });
  const payer = createPayer(mint.url);
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    request(gate.url, `/auth/envoy${path}`, { headers: { Host: 'shop.example.com', ...headers } });
  const { path } = createWorkdir('prometheus-config', owner);
  for (const file of ['prometheus.yaml', 'gate.rules.yaml', 'egress.rules.yaml', 'resolver.rules.yaml']) {
    const text = readFileSync(join(deploy, 'prometheus', file), 'utf8');
    const near = text
      .replace('sallyport:8080', `127.0.0.1:${gate.port}`)
      .replaceAll(/_interval: 15s/g, '_interval: 250ms');
    writeFileSync(join(path, file), near);
  }
  const prometheus = await startPrometheus({ config: join(path, 'prometheus.yaml'), owner });
  for (const round of [1, 2]) {
    // Payments, which a slow machine may keep for long, are fewer than one decision in ten.
    for (let free = 0; free < 20; free++) assert.equal((await ask('/free/a')).status, 200);
    assert.equal((await ask('/api/a')).status, 401);
    assert.equal((await ask('/premium/a', { 'X-Cashu': await payer.token(1000) })).status, 200);
    await until(`round ${round} is scraped`, async () => {
      const [payments] = await prometheus.query('sum(sallyport_payments_total)');
      return payments?.value === round;
    });
  }
  return prometheus;
};

let prometheus: Prometheus | undefined;
before(async () => {
  if (!needed.skip) prometheus = await start();
});

type Panel = Readonly<{ title: string; targets: readonly { expr: string }[] }>;
const { panels }: { panels: readonly Panel[] } = JSON.parse(readFileSync(join(deploy, 'grafana/gate.json'), 'utf8'));

for (const { title, targets } of panels) {
  test(`gate.json shows "${title}"${quiet.includes(title) ? ', when there is any' : ''}`, needed, async () => {
    for (const { expr } of targets) {
      const samples = (await prometheus?.query(expr)) ?? assert.fail('Prometheus has not started');
      assert.ok(quiet.includes(title) || samples.some(({ value }) => value > 0), `${expr}: ${JSON.stringify(samples)}`);
    }
  });
}

test('no alert fires while all is well, and every one is evaluated', needed, async () => {
  const running = prometheus ?? assert.fail('Prometheus has not started');
  await until('the rules are evaluated', async () =>
    (await running.rules()).every(({ health }) => health !== 'unknown'),
  );
  const rules = (await running.rules()).filter(({ name }) => name.startsWith('Sallyport'));
  assert.ok(rules.length > 10);
  for (const { name, query, health } of rules) {
    assert.equal(health, 'ok', name);
    assert.deepEqual(await running.query(query), [], name);
  }
});
