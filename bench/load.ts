/** Load by wrk, from the other processor. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { locate } from '../test/servers/programs.ts';
import { pinned } from './servers.ts';

export type Load = Readonly<{
  url: string;
  headers: Readonly<Record<string, string>>;
  seconds: number;
  connections?: number;
  /** A Lua script of wrk's, and what it is given. */
  script?: Readonly<{ path: string; args: readonly string[] }>;
}>;

export type Measured = Readonly<{ requestsPerSecond: number; p99Ms: number; unexpected: number }>;

const milliseconds = (written: string): number => {
  const [, number = '0', unit = 'ms'] = /([\d.]+)(us|ms|s)/.exec(written) ?? [];
  return Number(number) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? 1);
};

export const load = async ({ url, headers, seconds, connections = 64, script }: Load): Promise<Measured> => {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(script ? ['-s', script.path] : []),
    url,
    ...(script ? ['--', ...script.args] : []),
  ];
  const wrk = spawn(...pinned(1, locate('wrk'), args), { stdio: ['ignore', 'pipe', 'inherit'] });
  const report = await text(wrk.stdout);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(report)?.[1];
  if (rate === undefined) throw new Error(`wrk said nothing of use:\n${report}`);
  return {
    requestsPerSecond: Number(rate),
    p99Ms: milliseconds(/99%\s+(\S+)/.exec(report)?.[1] ?? ''),
    unexpected: Number(/Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? 0),
  };
};
