/** Requests for each second of a processor that a server used: what else the machine does falls out of it. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Load, Measured } from '../load.ts';
import { load } from '../load.ts';

const TICKS_PER_SECOND = 100;

const statOf = (pid: number | string): { parent: number; ticks: number } => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
};

/** Of a process and its children. */
const secondsOf = (pid: number): number => {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ticks = [String(pid), ...children].map((name) => {
    try {
      const { parent, ticks: used } = statOf(name);
      return name === String(pid) || parent === pid ? used : 0;
    } catch {
      return 0; // It has ended meanwhile.
    }
  });
  return ticks.slice(1).reduce((sum, used) => sum + used, 0) / TICKS_PER_SECOND;
};

const forEachSecond = (measured: Measured, seconds: number, used: number): Measured => ({
  ...measured,
  requestsPerSecond: (measured.requestsPerSecond * seconds) / used,
});

/** `seconds` by the clock; the rate is that for a second of the server's processor. */
export const byCpu =
  (pid: number, measure: (seconds: number) => Promise<Measured>) =>
  async (seconds: number): Promise<Measured> => {
    const before = secondsOf(pid);
    const measured = await measure(seconds);
    return forEachSecond(measured, seconds, secondsOf(pid) - before);
  };

/** Loads once for two comparisons: `byProcessor` tells again of the runs of `byClock`, in their order. */
export const bothWays = (pid: number, asked: Omit<Load, 'seconds'>) => {
  const told: Measured[] = [];
  return {
    async byClock(seconds: number): Promise<Measured> {
      const before = secondsOf(pid);
      const measured = await load({ ...asked, seconds });
      told.push(forEachSecond(measured, seconds, secondsOf(pid) - before));
      return measured;
    },
    async byProcessor(): Promise<Measured> {
      const measured = told.shift();
      if (!measured) throw new Error('nothing was measured by the clock');
      return measured;
    },
  };
};

export const loadByCpu = (pid: number, asked: Omit<Load, 'seconds'>) =>
  byCpu(pid, (seconds) => load({ ...asked, seconds }));
