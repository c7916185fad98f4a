/** The processes that are measured, each on the first processor where `taskset` can put it there. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const pins = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** `0,1`: where the threads of a server find room. */
export type Processors = 0 | 1 | '0,1';

/** Servers run on processor 0, whoever asks them on processor 1. */
export const pinned = (processor: Processors, command: string, args: readonly string[]): [string, string[]] =>
  pins ? ['taskset', ['-c', String(processor), command, ...args]] : [command, [...args]];

/** Puts there what runs already. */
export const onProcessor = (processor: 0 | 1, pid: number): void => {
  if (pins) spawnSync('taskset', ['-a', '-p', '-c', String(processor), String(pid)]);
};

export type BenchServer = Readonly<{ url: string; port: number; pid: number; readyMs: number; stop(): Promise<void> }>;

export const announcedPort = async (child: ChildProcess, pattern: RegExp): Promise<number> => {
  let output = '';
  // What is said after that must find somebody who listens.
  for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    output += chunk;
    const port = pattern.exec(output)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`a server did not start: ${output}`);
};

const start = async (args: readonly string[], pattern: RegExp, processors: Processors = 0): Promise<BenchServer> => {
  const startedAt = performance.now();
  const child = spawn(...pinned(processors, process.execPath, args), { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const port = await announcedPort(child, pattern);
  const readyMs = performance.now() - startedAt;
  child.stdout?.resume();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    // taskset becomes what it starts.
    pid: child.pid ?? 0,
    readyMs,
    async stop() {
      child.kill('SIGINT');
      await ended;
    },
  };
};

export const startBare = (variant: 'answer' | 'verify', jwksUrl = ''): Promise<BenchServer> =>
  start([join(root, 'bench', 'bare-server.ts'), variant, jwksUrl], /listening on (\d+)/);

/** undici's dispatch behind node:http. */
export const startBareProxy = (origin: string, tls: readonly string[] = []): Promise<BenchServer> =>
  start([join(root, 'bench', 'egress', 'bare-proxy.ts'), origin, ...tls], /listening on (\d+)/);

/** A service behind proxies, on the processor of those who ask them. */
export const startService = (): Promise<BenchServer> =>
  start([join(root, 'bench', 'egress', 'service.ts')], /listening on (\d+)/, 1);

/** Handshakes by node:tls, and nothing after them. */
export const startBareTls = (tls: readonly string[]): Promise<BenchServer> =>
  start([join(root, 'bench', 'sidecar', 'bare-tls.ts'), ...tls], /listening on (\d+)/);

/** A bare unary method of grpc-js. */
export const startBareGrpc = (): Promise<BenchServer> =>
  start([join(root, 'bench', 'grpc', 'bare-server.ts')], /listening on (\d+)/);

export type GateOptions = Readonly<{
  config: string;
  directory: string;
  processors?: Processors | undefined;
  /** Further keys of `http`, in YAML's flow style. */
  http?: string;
}>;

export const makeDirectory = (): { path: string; remove(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

export const startGate = ({ config, directory, processors, http = '' }: GateOptions): Promise<BenchServer> => {
  const file = join(directory, 'sallyport.yaml');
  const frame = [
    `http: { addr: "127.0.0.1:0"${http && `, ${http}`} }`,
    `store: "sqlite:${join(directory, 'bench.db')}"`,
    'logger: { format: json }',
  ];
  writeFileSync(file, `${frame.join('\n')}\n${config}`);
  return start(
    [join(root, 'bin', 'sallyport.js'), '--config', file],
    /(?:answers|reverse proxy) on 127\.0\.0\.1:(\d+)/,
    processors,
  );
};
