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

/** `seconds` by the clock; the rate is that for a second of the server's processor. */
export const byCpu =
  (pid: number, measure: (seconds: number) => Promise<Measured>) =>
  async (seconds: number): Promise<Measured> => {
    const before = secondsOf(pid);
    const measured = await measure(seconds);
    const used = secondsOf(pid) - before;
    return { ...measured, requestsPerSecond: (measured.requestsPerSecond * seconds) / used };
  };

export const loadByCpu = (pid: number, asked: Omit<Load, 'seconds'>) =>
  byCpu(pid, (seconds) => load({ ...asked, seconds }));
