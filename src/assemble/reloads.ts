/** Reloading, in the one process of a replica that is asked for it: the service itself, or the primary of several workers. */
import type { Logger } from 'pino';
import { type CandidateOptions, createCandidates } from '../candidates.ts';
import type { Config } from '../config/config.ts';
import { createRounds } from '../core/rounds.ts';
import { pause } from '../pause.ts';
import { createReloads, type Reloads } from '../reload/reloads.ts';
import { alone, createReplicaId, type Replicas } from '../reload/replicas.ts';
import type { ReplicaStatus } from '../reload/status.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createReloadLog } from '../telemetry/reload-events.ts';
import { redisTarget } from './shared.ts';
import type { SecretLoader } from './vault.ts';

export type ReloadParts = Omit<CandidateOptions, 'load'> &
  Readonly<{
    /** That has loaded what runs. Closed with the rest. */
    loader: SecretLoader;
    now(): number;
    onStatus(status: ReplicaStatus): void;
  }>;

const LOOK_EVERY_MS = 1_000;

/** Replicas that started together do not ask together. */
const nextRefresh = ({ vault }: Config, nowMs: number): number =>
  nowMs + (vault?.refresh_interval ?? 0) * (0.9 + Math.random() / 5);

/** They find each other through Redis, where there is one. */
const replicasOf = async ({ redis }: Config, logger: Logger): Promise<Replicas> => {
  const id = createReplicaId();
  if (!redis) return alone(id);
  const { createRedisReplicas } = await import('../stores/redis/replicas.ts');
  return createRedisReplicas({
    id,
    target: redisTarget(redis),
    onLost: (reason) => logger.warn({ event: 'replicas_lost', reason }, 'other replicas cannot be told of reloads'),
    onBack: () => logger.info({ event: 'replicas_back' }, 'other replicas are told of reloads again'),
  });
};

export const assembleReloads = async (parts: ReloadParts): Promise<Reloads> => {
  const { loaded, loader, now, onStatus } = parts;
  const { logger, flush } = createLogger(loaded.config.logger);
  const candidates = createCandidates({ ...parts, load: loader.load });
  const reloads = createReloads({
    digest: loaded.digest,
    read: candidates.read,
    replicas: await replicasOf(loaded.config, logger),
    now,
    onReload: createReloadLog(logger),
    onStatus,
  });
  let refreshAtMs = nextRefresh(loaded.config, now());

  const lookAfterSecrets = async (): Promise<void> => {
    const { config } = candidates.current();
    if (config.vault && now() >= refreshAtMs) {
      refreshAtMs = nextRefresh(config, now());
      await reloads.reload('secrets');
    }
    await loader.keepAlive();
  };
  const rounds = createRounds({
    everyMs: LOOK_EVERY_MS,
    run: lookAfterSecrets,
    pause,
    onFailed: (error) => logger.warn({ event: 'vault_login_failed', err: error }, 'the login at Vault cannot be kept'),
  });

  return {
    ...reloads,

    start() {
      reloads.start();
      rounds.start();
    },

    async close() {
      await rounds.close();
      await reloads.close();
      await loader.close();
      flush();
    },
  };
};
