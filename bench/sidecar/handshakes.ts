/** Handshakes, one after another from several clients, none resumed. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Pair } from '../../test/servers/certificates.ts';
import { locate } from '../../test/servers/programs.ts';
import type { Measured } from '../load.ts';
import { pinned } from '../servers.ts';

const CLIENTS = 4;

const runClient = async (port: number, { cert, key }: Pair, seconds: number): Promise<number> => {
  const args = [
    's_time',
    '-new',
    '-connect',
    `127.0.0.1:${port}`,
    '-cert',
    cert,
    '-key',
    key,
    '-time',
    String(seconds),
  ];
  const client = spawn(...pinned(1, locate('openssl'), args), { stdio: ['ignore', 'pipe', 'ignore'] });
  const report = await text(client.stdout);
  const count = /(\d+) connections in \d+ real seconds/.exec(report)?.[1];
  if (count === undefined) throw new Error(`openssl s_time said nothing of use:\n${report}`);
  return Number(count);
};

/** `seconds` are rounded up to whole ones. */
export const handshakes =
  (port: number, own: Pair) =>
  async (seconds: number): Promise<Measured> => {
    const counts = await Promise.all(Array.from({ length: CLIENTS }, () => runClient(port, own, Math.ceil(seconds))));
    const count = counts.reduce((sum, one) => sum + one, 0);
    return { requestsPerSecond: count / seconds, p99Ms: Number.NaN, unexpected: 0 };
  };
