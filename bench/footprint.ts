import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ruleset } from './fixtures.ts';
import { makeDirectory, startGate } from './servers.ts';

export type Footprint = Readonly<{
  readyMs: number;
  residentMb: number;
  /** Of it, pages of files, Node's program above all: how many the kernel maps depends on how it keeps the file in its cache. */
  sharedMb: number;
}>;

const memoryOf = (pid: number): Omit<Footprint, 'readyMs'> => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string) =>
    (Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN) * 1024) / 1e6;
  return { residentMb: mb('VmRSS'), sharedMb: mb('RssFile') };
};

const once = async (config: string): Promise<Footprint> => {
  const directory = makeDirectory();
  const gate = await startGate({ directory: directory.path, config });
  // By then it has returned what only the start needed.
  await delay(7_000);
  const measured = { readyMs: gate.readyMs, ...memoryOf(gate.pid) };
  await gate.stop();
  directory.remove();
  return measured;
};

/** API keys, a JWT issuer and a mint configured, neither of which answers. The first start fills Node's compile cache. */
export const measureFootprint = async (): Promise<Footprint> => {
  const config = `jwt: { issuers: [{ name: i, issuer: "http://127.0.0.1:9", audience: a, jwks_url: "http://127.0.0.1:9/jwks" }] }
cashu: { mints: ["http://127.0.0.1:9"] }
rules:
${ruleset(10)}
  - { name: paid, match: { path: "/premium/**" }, accept: [cashu], price: 1000 }
`;
  await once(config);
  const runs = [await once(config), await once(config), await once(config)];
  const [, middle] = runs.toSorted((a, b) => a.readyMs - b.readyMs);
  return middle ?? { readyMs: Number.NaN, residentMb: Number.NaN, sharedMb: Number.NaN };
};
