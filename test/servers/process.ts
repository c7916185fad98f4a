import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { atExit, type Owner } from './last-resort.ts';
import { until } from './until.ts';

const outputLimit = 256 * 1024;

export type Launch = Readonly<{
  command: string;
  args?: readonly string[];
  cwd?: string;
  /** Added to this process's own environment. */
  env?: Readonly<Record<string, string>>;
  /** Asked again and again until it holds; without one, the program counts as ready at once. */
  ready?: () => boolean | Promise<boolean>;
  readyMs?: number;
  stopSignal?: NodeJS.Signals;
  /** How long the program may take to stop by itself before it is killed. */
  graceMs?: number;
  owner?: Owner;
}>;

export type Running = AsyncDisposable &
  Readonly<{
    pid: number;
    /** The end of what it wrote, standard output and error as they came, at most 256 KiB. */
    output(): string;
    /** Resolves when the program has ended, with how: `code 1`, `SIGKILL`. */
    exited(): Promise<string>;
    /** Sends a signal to the program alone: SIGSTOP and SIGCONT to freeze it, SIGKILL to crash it, SIGHUP to reload. */
    signal(name: NodeJS.Signals): void;
    /** Asks it to stop, kills it and its children after the grace time, and waits for its end. May be called twice. */
    stop(): Promise<void>;
  }>;

/**
 * Starts a program and waits until it is ready. It is stopped with its owner, and at the latest with this process.
 * Rejects, with the program's output, when it ends early or is not ready in time; nothing is left running then.
 */
export async function launch(what: Launch): Promise<Running> {
  const { command, args = [], cwd, env, ready, readyMs = 20_000, owner } = what;
  // A process group of its own, so that its children (nginx workers) can be killed with it.
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const running = control(child, what);
  owner?.after(running.stop);
  let ended: string | undefined;
  const end = running.exited().then((how) => {
    ended = how;
  });
  const isUp = async () => ended !== undefined || ready === undefined || (await ready());
  const born = new Promise<void>((resolve) => child.once('spawn', resolve));
  try {
    await Promise.race([born, end]);
    await Promise.race([until('it is ready', isUp, { deadlineMs: readyMs }), end]);
    if (ended !== undefined) throw new Error(`It ended at once (${ended})`);
  } catch (cause) {
    await running.stop();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${command} ${args.join(' ')} did not start: ${why}. Its output:\n${running.output()}`, { cause });
  }
  hold(child, false);
  return running;
}

function control(child: ChildProcess, { stopSignal = 'SIGTERM', graceMs = 5_000 }: Launch): Running {
  let output = '';
  const take = (chunk: string) => {
    output = (output + chunk).slice(-outputLimit);
  };
  child.stdout?.setEncoding('utf8').on('data', take);
  child.stderr?.setEncoding('utf8').on('data', take);

  const pid = child.pid ?? 0;
  const killGroup = () => {
    try {
      if (pid !== 0) process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody left in the group: nothing to kill.
    }
  };
  const forget = atExit(killGroup);
  const closed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  child.once('exit', () => {
    killGroup(); // children that outlived it
    forget();
  });
  const exited = () => {
    hold(child, true);
    return closed;
  };
  const stop = async () => {
    const end = exited();
    child.kill(stopSignal);
    child.kill('SIGCONT'); // a frozen program would not hear of it
    const timer = new AbortController();
    const killer = pause(graceMs, undefined, { signal: timer.signal }).then(killGroup, () => undefined);
    await Promise.race([end, killer]);
    timer.abort();
    await end;
  };
  return {
    pid,
    output: () => output,
    exited,
    signal: (name) => void child.kill(name),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Whether the running program keeps this process alive. It does not, or a test that forgot to stop it would hang the run. */
function hold(child: ChildProcess, alive: boolean): void {
  for (const part of [child, child.stdout, child.stderr]) {
    if (part === child || part instanceof Socket) part[alive ? 'ref' : 'unref']();
  }
}
