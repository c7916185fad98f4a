/** The real Traefik, by `npm run test:traefik`: building it takes a quarter of an hour, so that not every run does. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ProxyOptions, startProxy } from '../servers/proxy.ts';
import { request } from '../servers/request.ts';
import type { Server } from '../servers/server.ts';
import { until } from '../servers/until.ts';

const binary =
  process.env['SALLYPORT_TEST_TRAEFIK'] ||
  join(process.env['SALLYPORT_CACHE'] || join(homedir(), '.cache', 'sallyport'), 'bin', 'traefik');

/** The options of a test that needs it. Skipped under CI too: the stand-in is what every run tests. */
export const needsTraefik = {
  skip: existsSync(binary) ? (false as const) : 'Traefik is not on this machine (npm run test:traefik)',
};

/** `files` has the static configuration, `traefik.yaml`. It listens before it has its routers. */
export const launchTraefik = (options: ProxyOptions, files: Readonly<Record<string, string>>): Promise<Server> =>
  startProxy(options, { name: 'traefik', files, command: binary, args: ['--configFile=traefik.yaml'] });

/** Traefik with the given static configuration; the dynamic one is among the files. */
export async function startTraefik(options: ProxyOptions): Promise<Server> {
  const server = await launchTraefik(options, { 'traefik.yaml': options.config });
  await until('Traefik has its routers', async () => (await request(server.url, '/')).status !== 404);
  return server;
}
