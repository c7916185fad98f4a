import { once } from 'node:events';
import { serve } from '../serve.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

/** Long enough for a cluster to take the pod out of its endpoints; a person at a terminal does not wait for that. */
const DRAIN_MS = { SIGTERM: 5_000, SIGINT: 0 } as const;
const GRACE_MS = 20_000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const show = ({ address, port }: { address: string; port: number }): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** Runs until SIGTERM or SIGINT; a second signal ends it at once. */
export const runServe = async (options: CommandOptions): Promise<number> => {
  const loaded = loadToServe(options);
  if (!loaded) return 1;
  let service: Awaited<ReturnType<typeof serve>>;
  try {
    service = await serve(loaded.config);
  } catch (error) {
    fail(`sallyport cannot start: ${messageOf(error)}`);
    return 1;
  }
  const { config, source, notices } = loaded;
  say(
    `sallyport answers on ${show(service.address)}/auth, by ${source ?? 'its embedded defaults (no file was found)'}`,
  );
  if (service.adminAddress) say(`admin API on ${show(service.adminAddress)}/api`);
  if (config.rules.length === 0)
    say('there are no rules: every request is refused. "sallyport init" writes a file to begin with');
  for (const notice of notices) say(notice);

  const signal = await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]).then(([name]) => name);
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => process.exit(1));
  await service.stop(signal === 'SIGTERM' ? DRAIN_MS.SIGTERM : DRAIN_MS.SIGINT, GRACE_MS);
  return 0;
};
