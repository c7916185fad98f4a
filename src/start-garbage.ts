import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Takes some 50 ms, in which nothing else runs. */
export const collectAll = (): void => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') collect({ type: 'major', flavor: 'last-resort' });
};

const LOOK_EVERY_MS = 5_000;
/** A twentieth of that: what began with the start still goes on a little. */
const IDLE_US = 250_000;

export type Process = Readonly<{ cpuUsage: typeof process.cpuUsage; collect(): void }>;

/**
 * Returns to the system, once, what only the start needed, as soon as nobody asks for anything: by itself V8 keeps what its young
 * generation grew to, a sixth of an idle process. Under load that grows again.
 */
export const returnMemoryWhenIdle = (
  { cpuUsage, collect }: Process = { cpuUsage: process.cpuUsage, collect: collectAll },
): void => {
  let before = cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = cpuUsage(before);
    before = cpuUsage();
    if (user + system > IDLE_US) return;
    clearInterval(timer);
    collect();
  }, LOOK_EVERY_MS).unref();
};
