/** Reloading, in the one process of a replica that is asked for it: the service itself, or the primary of several workers. */
import { type CandidateOptions, createCandidates } from './candidates.ts';
import { createReloads, type Reloads } from './reload/reloads.ts';
import { alone, createReplicaId } from './reload/replicas.ts';
import type { ReplicaStatus } from './reload/status.ts';
import { createLogger } from './telemetry/logger.ts';
import { createReloadLog } from './telemetry/reload-events.ts';

export type ReloadParts = CandidateOptions &
  Readonly<{
    now(): number;
    onStatus(status: ReplicaStatus): void;
  }>;

export const assembleReloads = async (parts: ReloadParts): Promise<Reloads> => {
  const { loaded, now, onStatus } = parts;
  const { logger, flush } = createLogger(loaded.config.logger);
  const candidates = createCandidates(parts);
  const reloads = createReloads({
    digest: loaded.digest,
    read: candidates.read,
    replicas: alone(createReplicaId()),
    now,
    onReload: createReloadLog(logger),
    onStatus,
  });
  return {
    ...reloads,

    async close() {
      await reloads.close();
      flush();
    },
  };
};
