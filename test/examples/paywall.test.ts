/**
 * examples/paywall as its Compose file would run it: its own configuration, its own mint, its own script, and a real nginx. No
 * container engine is needed and none is proven.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { start as startMint } from '../../examples/play-mint/server.ts';
import { load } from '../../src/config/harness.test.ts';
import { startSallyport } from '../sallyport.ts';
import { freePort } from '../servers/free-port.ts';
import { startNginx } from '../servers/nginx.ts';
import { accepts } from '../servers/probe.ts';
import { launch } from '../servers/process.ts';
import { needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';

const folder = join(import.meta.dirname, '../../examples/paywall');
const textOf = (path: string) => readFileSync(join(folder, path), 'utf8');
const nginxConfig = textOf('../nginx/challenge.conf');
const { services } = parse(textOf('docker-compose.yaml'));

const startSite = async (): Promise<{ site: string; token: string }> => {
  const mint = await startMint();
  after(mint.stop);
  const { http: _, store: __, ...config } = parse(textOf('sallyport.yaml'));
  config.cashu.mints[0].url = mint.url;
  const gate = await startSallyport({
    config: stringify({ ...config, trusted_proxies: ['127.0.0.0/8'] }),
    env: { DEFAULT_PAYMENT_AMOUNT: '1000' },
    owner: { after },
  });
  const application = await freePort();
  await launch({
    command: process.execPath,
    args: [join(folder, 'application.mjs')],
    env: { PORT: `${application}` },
    ready: () => accepts(application),
    owner: { after },
  });
  const ports = { '127.0.0.1:8080': gate.port, '127.0.0.1:3000': application };
  const nginx = await startNginx({ config: nginxConfig, ports, owner: { after } });
  // In the place of `docker compose exec`.
  const token = join(createWorkdir('paywall', { after }).path, 'token.sh');
  writeFileSync(token, `#!/bin/sh\nexec "${process.execPath}" "${join(folder, 'token.ts')}" "$1" ${mint.url}\n`);
  chmodSync(token, 0o755);
  return { site: nginx.url, token };
};

test('try.sh finds the site as it says: free, paid by a token, refused', needs('nginx'), async () => {
  const { site, token } = await startSite();
  const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, SITE: site, TOKEN: token };
  const { stdout } = await promisify(execFile)('bash', [join(folder, 'try.sh')], { env }).catch((error) =>
    assert.fail(`${error.stdout}${error.stderr}`),
  );
  assert.equal(stdout.trim().split('\n').length, 8);
  assert.doesNotMatch(stdout, /FAIL/);
});

test('the configuration is valid', () => {
  assert.doesNotThrow(() => load(textOf('sallyport.yaml'), { env: {} }));
});

test('Compose gives nginx its example with the names of the services, and with nothing of this machine', () => {
  const [, , command] = services.nginx.command;
  const [, expression = ''] = /sed -e '([^']+)' \/challenge\.conf/.exec(command) ?? [];
  const config = execFileSync('sed', ['-e', expression], { input: nginxConfig, encoding: 'utf8' });
  const { addr } = parse(textOf('sallyport.yaml')).http;
  assert.match(config, new RegExp(`server sallyport${addr};`));
  assert.match(config, /server application:3000;/);
  assert.match(config, /listen 8000;/);
  assert.doesNotMatch(config, /127\.0\.0\.1/);
  assert.ok('sallyport' in services && 'application' in services);
});

test('the mint of play money is where the configuration expects it, and nobody else reaches it', () => {
  const [{ url }] = parse(textOf('sallyport.yaml')).cashu.mints;
  assert.equal(services.mint.network_mode, 'service:sallyport');
  assert.ok(services.mint.entrypoint.includes(new URL(url).port));
  assert.equal(new URL(url).hostname, '127.0.0.1');
  assert.equal(services.sallyport.ports, undefined);
});
