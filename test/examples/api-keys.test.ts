/**
 * examples/api-keys as its Compose file and its manifests would run it, with three replicas: the same files, and real PostgreSQL,
 * Redis and Envoy. No container engine is needed and none is proven; of Stripe nothing is asked.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { startEnvoy } from '../servers/envoy.ts';
import { freePort } from '../servers/free-port.ts';
import { startPostgres } from '../servers/postgres.ts';
import { accepts } from '../servers/probe.ts';
import { launch } from '../servers/process.ts';
import { needs } from '../servers/programs.ts';
import { startRedis } from '../servers/redis.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const folder = join(import.meta.dirname, '../../examples/api-keys');
const launcher = join(import.meta.dirname, '../../bin/sallyport.js');
const textOf = (path: string) => readFileSync(join(folder, path), 'utf8');
const token = 'admin-token-of-the-example';

/** Replaces each text, which must be there: what stands in for the names and ports of the containers. */
const put = (text: string, changes: Readonly<Record<string, string>>): string =>
  Object.entries(changes).reduce((changed, [from, to]) => {
    assert.ok(changed.includes(from), from);
    return changed.replace(from, to);
  }, text);

type Replica = Readonly<{ grpcPort: number; adminUrl: string }>;

const startReplica = async (env: Readonly<Record<string, string>>): Promise<Replica> => {
  const { path: cwd } = createWorkdir('api-keys', { after });
  const loopback = '"127.0.0.1:0"';
  const config = put(textOf('sallyport.yaml'), { '":8081"': loopback, '":9001"': loopback, '":8080"': loopback });
  writeFileSync(join(cwd, 'sallyport.yaml'), config);
  const running = await launch({
    command: process.execPath,
    args: [launcher, '--config', 'sallyport.yaml'],
    cwd,
    env: { ...env, SALLYPORT_ADMIN_TOKEN: token },
    owner: { after },
  });
  const portOf = (what: string) =>
    Number(new RegExp(`${what} 127\\.0\\.0\\.1:(\\d+)`).exec(running.output())?.[1] ?? 0);
  const failed = running.exited().then((how) => Promise.reject(new Error(`${how}: ${running.output()}`)));
  failed.catch(() => undefined);
  await Promise.race([until('a replica is ready', () => portOf('gRPC on') > 0 && portOf('admin API on') > 0), failed]);
  return { grpcPort: portOf('gRPC on'), adminUrl: `http://127.0.0.1:${portOf('admin API on')}` };
};

const startBackend = async (): Promise<number> => {
  const port = await freePort();
  await launch({
    command: process.execPath,
    args: [join(folder, 'backend/server.mjs')],
    env: { PORT: `${port}` },
    ready: () => accepts(port),
    owner: { after },
  });
  return port;
};

const endpointOf = (host: string, port: number): string =>
  `- endpoint: { address: { socket_address: { address: ${host}, port_value: ${port} } } }`;

const startGateway = async (): Promise<{ url: string; replicas: readonly Replica[] }> => {
  const [postgres, redis, backendPort] = await Promise.all([
    startPostgres({ owner: { after } }),
    startRedis({ owner: { after } }),
    startBackend(),
  ]);
  const env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, STRIPE_API_KEY: '' };
  const replicas = await Promise.all([1, 2, 3].map(() => startReplica(env)));
  const config = put(textOf('envoy.yaml'), {
    'address: 0.0.0.0, port_value: 8000': 'address: 127.0.0.1, port_value: 8000',
    [endpointOf('api-key-service', 9001)]: replicas
      .map((_, index) => endpointOf('127.0.0.1', 9001 + index))
      .join(`\n${' '.repeat(14)}`),
    [endpointOf('backend-service', 3000)]: endpointOf('127.0.0.1', 3000),
  });
  const standIns = replicas.map(({ grpcPort }, index) => [`127.0.0.1:${9001 + index}`, grpcPort] as const);
  const ports = { ...Object.fromEntries(standIns), '127.0.0.1:3000': backendPort };
  const { url } = await startEnvoy({ config, ports, owner: { after } });
  return { url, replicas };
};

test(
  'test-api.sh finds the gateway as its README says, whichever of three replicas is asked',
  needs('envoy', 'postgres', 'redis'),
  async () => {
    const { url, replicas } = await startGateway();
    const walk = async ({ adminUrl }: Replica): Promise<void> => {
      const env = { PATH: process.env['PATH'] ?? '', GATEWAY: url, ADMIN: adminUrl, SALLYPORT_ADMIN_TOKEN: token };
      const failed = (error: { stdout?: string; stderr?: string }) => assert.fail(`${error.stdout}\n${error.stderr}`);
      const { stdout } = await promisify(execFile)('bash', [join(folder, 'test-api.sh')], { env }).catch(failed);
      assert.match(stdout, /All as it should be\.\n$/);
    };
    await Promise.all(replicas.map(walk));
  },
);
