/** One Sallyport beside one service, as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

export type SidecarOptions = Readonly<{
  /** Also the folder of its configuration and its policies. */
  name: string;
  /** What the configuration asks of the environment. */
  env: Readonly<Record<string, string>>;
  /** Where it answers when it is ready. */
  health: string;
  /** Where it runs. */
  directory: string;
  onLine(line: string): void;
}>;

export type Sidecar = Readonly<{
  stop(): Promise<void>;
  /** At once, for the end of this process. */
  kill(): void;
}>;

const root = join(import.meta.dirname, '..', '..');
const READY_MS = 60_000;
const LOOK_EVERY_MS = 25;

const isReady = (health: string): Promise<boolean> =>
  fetch(`http://${health}/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

/** Rejects where it does not come up, with what it wrote; nothing runs then. */
export const startSidecar = async ({ name, env, health, directory, onLine }: SidecarOptions): Promise<Sidecar> => {
  mkdirSync(directory, { recursive: true });
  const config = join(import.meta.dirname, name, 'config.yaml');
  const child = spawn(process.execPath, [join(root, 'bin', 'sallyport.js'), '--config', config], {
    cwd: directory,
    // A process group of its own: Ctrl-C reaches the example alone, which then stops everything in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Somebody's own settings must not reach it.
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_OPTIONS: process.env['NODE_OPTIONS'] ?? '',
      POLICIES: join(import.meta.dirname, name, 'policies'),
      ...env,
    },
  });
  let first = '';
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      if (first.length < 10_000) first += `${line}\n`;
      onLine(line);
    });
  }
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGINT');
    await ended;
  };
  const deadline = Date.now() + READY_MS;
  while (!(await isReady(health))) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (hasEnded || Date.now() > deadline) {
      if (!hasEnded) await stop();
      throw new Error(`The Sallyport of ${name} did not start:\n${first}`);
    }
    await pause(LOOK_EVERY_MS);
  }
  return { stop, kill: () => void child.kill('SIGKILL') };
};
