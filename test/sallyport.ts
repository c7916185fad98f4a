/** The service itself, as a process of its own, for tests that stand outside of it. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from './servers/last-resort.ts';
import { launch, type Running } from './servers/process.ts';
import { until } from './servers/until.ts';
import { createWorkdir } from './servers/workdir.ts';

const launcher = join(import.meta.dirname, '..', 'bin', 'sallyport.js');

export const adminToken = 'admin-token-of-the-tests';

export type Sallyport = Running &
  Readonly<{
    url: string;
    port: number;
    adminUrl: string;
    /** Of the gRPC listener; 0 where the configuration has none. */
    grpcPort: number;
    /** Of the resolver's own listener; 0 where it has none. */
    resolverPort: number;
    /** Of egress; 0 where it has no listener of its own. */
    egressPort: number;
    /** Of the listener for health, readiness and metrics; 0 where it has none. */
    endpointsPort: number;
    directory: string;
    /** Makes an API key by the admin API and gives the whole answer. */
    createKey(fields?: Readonly<Record<string, unknown>>): Promise<{ key: string; id: string }>;
    /** The log so far, parsed; lines that are no JSON are left out. */
    log(): Record<string, unknown>[];
  }>;

export type SallyportOptions = Readonly<{
  /** Without `http`, `admin` and `store`, which are added; with a `proxy`, so is `endpoints` where it is not there. */
  config: string;
  owner?: Owner;
  env?: Readonly<Record<string, string>>;
  args?: readonly string[];
  /** The value of `store`; a SQLite file in its directory without it. */
  store?: string;
  /** Further keys of `http`, in YAML's flow style. */
  http?: string;
  /** Of the admin listener, for reports of units. */
  usageToken?: string;
  /** Of an earlier one, to start again on its data. */
  directory?: string;
}>;

const announced = /(?:answers|reverse proxy) on 127\.0\.0\.1:(\d+)/;
const adminAnnounced = /admin API on 127\.0\.0\.1:(\d+)\/api/;

const grpcAnnounced = /gRPC on 127\.0\.0\.1:(\d+)/;

const egressAnnounced = /egress on 127\.0\.0\.1:(\d+)/;

const resolverAnnounced = /resolver on 127\.0\.0\.1:(\d+)/;

const endpointsAnnounced = /health on 127\.0\.0\.1:(\d+)/;

const parseLine = (line: string): Record<string, unknown>[] => (line.startsWith('{') ? [JSON.parse(line)] : []);

export const startSallyport = async (options: SallyportOptions): Promise<Sallyport> => {
  const { usageToken = '', http = '' } = options;
  const directory = options.directory ?? createWorkdir('sallyport', options.owner).path;
  const file = join(directory, 'sallyport.yaml');
  const isProxy = /^proxy:/m.test(options.config);
  const frame = [
    ...(isProxy && !/^endpoints:/m.test(options.config) ? ['endpoints: { addr: "127.0.0.1:0" }'] : []),
    `http: { addr: "127.0.0.1:0"${http && `, ${http}`} }`,
    `admin: { addr: "127.0.0.1:0", token: "${adminToken}"${usageToken && `, usage_token: "${usageToken}"`} }`,
    `store: ${options.store ?? `"sqlite:${join(directory, 'sallyport.db')}"`}`,
  ];
  writeFileSync(file, `${frame.join('\n')}\n${options.config}`);
  let running: Running | undefined;
  const portOf = (pattern: RegExp) => Number(pattern.exec(running?.output() ?? '')?.[1] ?? 0);
  running = await launch({
    command: process.execPath,
    args: [launcher, '--config', file, ...(options.args ?? [])],
    cwd: directory,
    env: { NODE_NO_WARNINGS: '', ...options.env },
    stopSignal: 'SIGINT',
    ...(options.owner ? { owner: options.owner } : {}),
  });
  const started = running;
  const ended = started.exited().then((how) => {
    throw new Error(`sallyport ended (${how}):\n${started.output()}`);
  });
  const listeners = [
    announced,
    adminAnnounced,
    ...(/^grpc:/m.test(options.config) ? [grpcAnnounced] : []),
    ...(isProxy || /^endpoints:.*\baddr:/m.test(options.config) ? [endpointsAnnounced] : []),
    ...(/^resolver:\n {2}addr:/m.test(options.config) ? [resolverAnnounced] : []),
    ...(/^egress:\n {2}addr:/m.test(options.config) ? [egressAnnounced] : []),
  ];
  const isAnnounced = () => listeners.every((pattern) => portOf(pattern) > 0);
  await Promise.race([until('sallyport answers', isAnnounced), ended]);
  ended.catch(() => undefined);
  const adminUrl = `http://127.0.0.1:${portOf(adminAnnounced)}`;

  return {
    ...started,
    url: `http://127.0.0.1:${portOf(announced)}`,
    port: portOf(announced),
    adminUrl,
    grpcPort: portOf(grpcAnnounced),
    resolverPort: portOf(resolverAnnounced),
    egressPort: portOf(egressAnnounced),
    endpointsPort: portOf(endpointsAnnounced),
    directory,

    async createKey(fields = {}) {
      const response = await fetch(`${adminUrl}/api/keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ user_id: 'user123', name: 'test', ...fields }),
      });
      if (response.status !== 201) throw new Error(`no key: ${response.status} ${await response.text()}`);
      return (await response.json()) as { key: string; id: string };
    },

    log: () => started.output().split('\n').flatMap(parseLine),
  };
};

const COMMAND_MS = 60_000;

/** Runs the command line to its end, which must not take longer than a minute. */
export const runSallyport = (
  args: readonly string[],
  { cwd, env = {}, input = '' }: { cwd: string; env?: Record<string, string>; input?: string },
): { status: number; stdout: string; stderr: string } => {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [launcher, ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    input,
    encoding: 'utf8',
    timeout: COMMAND_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error || status === null)
    throw new Error(`sallyport ${args.join(' ')} did not end:\n${stdout}${stderr}`, { cause: error });
  return { status, stdout, stderr };
};
