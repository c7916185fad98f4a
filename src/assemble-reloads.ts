/** Reloading, in the one process of a replica that is asked for it: the service itself, or the primary of several workers. */
import type { SecretLoader } from './assemble-vault.ts';
import { type CandidateOptions, createCandidates } from './candidates.ts';
import type { Config } from './config/config.ts';
import { createRounds } from './core/rounds.ts';
import { pause } from './pause.ts';
import { createReloads, type Reloads } from './reload/reloads.ts';
import { alone, createReplicaId } from './reload/replicas.ts';
import type { ReplicaStatus } from './reload/status.ts';
import { createLogger } from './telemetry/logger.ts';
import { createReloadLog } from './telemetry/reload-events.ts';

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

export const assembleReloads = async (parts: ReloadParts): Promise<Reloads> => {
  const { loaded, loader, now, onStatus } = parts;
  const { logger, flush } = createLogger(loaded.config.logger);
  const candidates = createCandidates({ ...parts, load: loader.load });
  const reloads = createReloads({
    digest: loaded.digest,
    read: candidates.read,
    replicas: alone(createReplicaId()),
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

    async start() {
      await reloads.start();
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
