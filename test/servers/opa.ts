import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { locate } from './programs.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

/** Files by their names, such as `orders.rego`. */
export type PolicyFiles = Readonly<Record<string, string>>;

export const writePolicies = (directory: string, files: PolicyFiles): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
};

/** Runs `opa` to its end; throws, with what it wrote, where it fails. */
export const runOpa = (args: readonly string[], cwd: string, input?: string): string => {
  const { status, stdout, stderr, error } = spawnSync(locate('opa'), args, { cwd, input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`opa ${args.join(' ')}: ${error?.message ?? ''}${stderr}${stdout}`);
  return stdout;
};

/** `opa run --server` on these policies. */
export const startOpa = ({ files, ...options }: ServerOptions & Readonly<{ files: PolicyFiles }>): Promise<Server> =>
  startServer(options, {
    name: 'opa',
    launch: (directory, port) => {
      writePolicies(join(directory, 'policies'), files);
      const address = `127.0.0.1:${port}`;
      return {
        command: locate('opa'),
        args: ['run', '--server', '--disable-telemetry', '--log-level=error', `--addr=${address}`, 'policies'],
        ready: () =>
          fetch(`http://${address}/health`).then(
            ({ ok }) => ok,
            () => false,
          ),
      };
    },
  });
