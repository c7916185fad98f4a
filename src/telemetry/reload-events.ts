/** What is told of reloads: one line for each, and numbers. */
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';

type Event = Readonly<{
  cause: string;
  outcome: 'changed' | 'unchanged' | 'refused';
  generation: number;
  changed: readonly string[];
  problems: readonly string[];
  durationMs: number;
}>;

export const createReloadLog =
  (logger: Logger) =>
  ({ cause, outcome, generation, changed, problems, durationMs }: Event): void => {
    const line = { cause, generation, duration_ms: durationMs };
    if (outcome === 'refused')
      logger.error({ event: 'reload_refused', ...line, problems }, 'not reloaded: the configuration before stays');
    else if (outcome === 'changed')
      logger.info({ event: 'reloaded', ...line, changed }, 'the configuration is reloaded');
    else logger.info({ event: 'reloaded', ...line }, 'reloaded: nothing has changed');
  };

type Status = Readonly<{
  generation: number;
  loadedAtMs: number;
  secretsReadAtMs: number;
  counts: Readonly<Record<'changed' | 'unchanged' | 'refused', number>>;
}>;

/** Of several workers each tells the same. */
export const registerReloadMetrics = (registry: Registry, statusOf: () => Status, usesVault: boolean): void => {
  const registers = [registry];
  const aggregator = 'max';
  if (usesVault) {
    new Gauge({
      name: 'sallyport_vault_secret_age_seconds',
      help: 'Time since the secrets in Vault were last read.',
      registers,
      aggregator,
      collect() {
        this.set(Math.max(0, Date.now() - statusOf().secretsReadAtMs) / 1_000);
      },
    });
  }
  new Gauge({
    name: 'sallyport_config_generation',
    help: 'Number of the configuration that runs; equal on all replicas that have followed.',
    registers,
    aggregator,
    collect() {
      this.set(statusOf().generation);
    },
  });
  new Gauge({
    name: 'sallyport_config_last_success_timestamp_seconds',
    help: 'When the configuration that runs took effect.',
    registers,
    aggregator,
    collect() {
      this.set(statusOf().loadedAtMs / 1_000);
    },
  });
  new Counter({
    name: 'sallyport_config_reloads_total',
    help: 'Reloads, by what came of them.',
    labelNames: ['result'],
    registers,
    aggregator,
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(statusOf().counts)) this.inc({ result }, count);
    },
  });
};
