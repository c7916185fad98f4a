import cluster from 'node:cluster';
import { once } from 'node:events';
import type { SecretLoader } from '../assemble/vault.ts';
import type { LoadedConfig } from '../config/load.ts';
import { Secret } from '../core/secret.ts';
import { reasonsOf } from '../reload/refused.ts';
import type { Reloads } from '../reload/reloads.ts';
import type { Service } from '../serve.ts';
import { returnMemoryWhenIdle } from '../start-garbage.ts';
import type { Announced, Announcement } from '../stores/primary/protocol.ts';
import { type CommandOptions, createLoader, fail, loadAgain, loadBy, say } from './load.ts';

/** Long enough for a cluster to take the pod out of its endpoints; a person at a terminal does not wait for that. */
const DRAIN_MS = { SIGTERM: 5_000, SIGINT: 0 } as const;
const GRACE_MS = 20_000;

type Stop = (signal: keyof typeof DRAIN_MS) => Promise<void>;

type Started = Announced & Readonly<{ failed: Promise<string>; stop: Stop }>;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const show = ({ address, port }: Announcement): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** Where calls come in, for whoever is to make them. */
const announceEgress = ({ config }: LoadedConfig, { main, egress }: Started): void => {
  if (!config.egress?.enabled) return;
  if (egress) say(`egress on ${show(egress)}`);
  else if (!config.proxy?.enabled) say(`egress on ${show(main)}${config.endpoints.egress}`);
};

const announceResolver = ({ config }: LoadedConfig, { main, resolver }: Started): void => {
  const { resolver: resolving } = config;
  if (!resolving?.enabled) return;
  say(`resolver on ${resolver ? show(resolver) : `${show(main)}${resolving.path_prefix}`}`);
  if (resolving.mode === 'permissive')
    say('resolver.mode is permissive: whoever reaches the resolver without a token is given the credentials');
};

const announce = (loaded: LoadedConfig, started: Started): void => {
  const { config, source, notices } = loaded;
  const { main, admin, grpc, endpoints } = started;
  const by = source ?? 'its embedded defaults (no file was found)';
  say(
    config.proxy?.enabled
      ? `reverse proxy on ${show(main)}, by ${by}`
      : `sallyport answers on ${show(main)}/auth, by ${by}`,
  );
  if (admin) say(`admin API on ${show(admin)}/api`);
  if (grpc) say(`gRPC on ${show(grpc)}`);
  announceResolver(loaded, started);
  announceEgress(loaded, started);
  if (endpoints) say(`health on ${show(endpoints)}${config.endpoints.health}`);
  const isIdle = [config.resolver, config.egress, config.proxy].every((door) => !door?.enabled);
  if (config.rules.length === 0 && isIdle) {
    say('there are no rules: every request is refused. "sallyport init" writes a file to begin with');
  }
  for (const notice of notices) say(notice);
};

const never = Promise.withResolvers<string>().promise;

const announcedBy = (service: Service): Announced => ({
  main: service.address,
  admin: service.adminAddress,
  grpc: service.grpcAddress,
  resolver: service.resolverAddress,
  egress: service.egressAddress,
  endpoints: service.endpointsAddress,
});

/** Who asks by SIGHUP while the service starts is heard when it has. */
const onHangup = () => {
  const isUp = Promise.withResolvers<Pick<Reloads, 'reload'>>();
  process.on('SIGHUP', () => {
    isUp.promise.then(({ reload }) => reload('request')).catch((error: unknown) => fail(messageOf(error)));
  });
  return isUp.resolve;
};

/** What it loads comes from the primary, so that all workers run the same, whatever the files say meanwhile. */
const startWorker = async (options: CommandOptions): Promise<Started> => {
  const hear = onHangup();
  const { serve } = await import('../serve.ts');
  const { connectToPrimary } = await import('../stores/primary/worker-side.ts');
  const primary = connectToPrimary(process);
  const { config } = loadAgain(options, new Secret(await primary.recording()));
  const service = await serve(config, { primary, reloads: primary.reloads });
  primary.onReload(async (recording) => service.prepare(loadAgain(options, new Secret(recording)).config), reasonsOf);
  const announced = announcedBy(service);
  returnMemoryWhenIdle();
  primary.tell({ kind: 'ready', ...announced });
  hear(primary.reloads);
  return { ...announced, failed: never, stop: (signal) => service.stop(DRAIN_MS[signal], GRACE_MS) };
};

/** One process, which is asked for reloads itself. */
const startHere = async (loaded: LoadedConfig, loader: SecretLoader): Promise<Started> => {
  const hear = onHangup();
  const { serve } = await import('../serve.ts');
  const { assembleReloads } = await import('../assemble/reloads.ts');
  const started = Promise.withResolvers<Service>();
  started.promise.catch(() => undefined);
  const reloads = await assembleReloads({
    loaded,
    loader,
    prepare: async ({ config }) => (await started.promise).prepare(config),
    now: Date.now,
    onStatus: () => undefined,
  });
  try {
    const service = await serve(loaded.config, { reloads });
    started.resolve(service);
    reloads.start();
    hear(reloads);
    returnMemoryWhenIdle();
    const stop: Stop = async (signal) => {
      const closing = reloads.close();
      await service.stop(DRAIN_MS[signal], GRACE_MS);
      await closing;
    };
    return { ...announcedBy(service), failed: never, stop };
  } catch (error) {
    started.reject(error);
    await reloads.close();
    throw error;
  }
};

const startMany = async (loaded: LoadedConfig, loader: SecretLoader): Promise<Started> => {
  const hear = onHangup();
  const { startWorkers } = await import('../workers.ts');
  const { createPrimaryReloads } = await import('../primary-reloads.ts');
  const { assembleReloads } = await import('../assemble/reloads.ts');
  const primary = createPrimaryReloads(loaded, () => reloads);
  const { prepare, tell: onStatus } = primary;
  const reloads = await assembleReloads({ loaded, loader, prepare, now: Date.now, onStatus });
  try {
    const workers = await startWorkers(loaded.config.workers, primary, (reason) =>
      fail(`${reason}; another is started`),
    );
    reloads.start();
    hear(reloads);
    const stop: Stop = async (signal) => {
      const closing = reloads.close();
      await workers.stop(signal);
      await closing;
    };
    return { ...workers, stop };
  } catch (error) {
    await reloads.close();
    throw error;
  }
};

const start = (loaded: LoadedConfig, loader: SecretLoader): Promise<Started> =>
  loaded.config.workers > 1 ? startMany(loaded, loader) : startHere(loaded, loader);

/** A terminal signals the whole group and npm passes its own copy on: what comes that soon is the same Ctrl-C. */
const SAME_SIGNAL_MS = 1_000;

const endAtOnceOnSecondSignal = (): void => {
  const since = Date.now();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (Date.now() - since > SAME_SIGNAL_MS) process.exit(1);
    });
  }
};

/** The channel to the primary would keep a worker alive. */
const leavePrimary = (): void => {
  if (cluster.isWorker) process.disconnect();
};

/** Runs until SIGTERM or SIGINT, a second of which ends it at once. */
export const runServe = async (options: CommandOptions): Promise<number> => {
  const loader = createLoader(options, true);
  const loaded = cluster.isPrimary ? await loadBy(loader, options) : undefined;
  if (cluster.isPrimary && !loaded) {
    await loader.close();
    return 1;
  }
  const asked = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]).then(([name]) => name);
  let started: Started;
  try {
    started = await (loaded ? start(loaded, loader) : startWorker(options));
  } catch (error) {
    fail(`sallyport cannot start: ${messageOf(error)}`);
    leavePrimary();
    return 1;
  }
  if (loaded) announce(loaded, started);

  const signal = await Promise.race([asked, started.failed]);
  endAtOnceOnSecondSignal();
  if (signal === 'SIGTERM' || signal === 'SIGINT') {
    await started.stop(signal);
    leavePrimary();
    return 0;
  }
  fail(`${signal} at once: sallyport gives up`);
  await started.stop('SIGINT');
  return 1;
};
