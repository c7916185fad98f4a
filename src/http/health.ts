/** Liveness, readiness and metrics. */
import type { Middleware } from 'koa';

export type ReadinessPart = Readonly<{
  name: string;
  /** Without an essential part nothing can be decided rightly; without another one some requests are refused. */
  essential: boolean;
  /** Gives what is wrong, or undefined. */
  check(): Promise<string | undefined>;
}>;

export type HealthOptions = Readonly<{
  paths: Readonly<{ health: string; ready: string; metrics: string }>;
  parts: readonly ReadinessPart[];
  /** True from SIGTERM on, so that no new requests are sent here while the last ones finish. */
  isStopping(): boolean;
  renderMetrics(): Promise<Readonly<{ contentType: string; body: string }>>;
}>;

const checkPart = async ({ name, essential, check }: ReadinessPart) => {
  const problem = await check().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  return {
    name,
    essential,
    status: problem === undefined ? 'ok' : essential ? 'failed' : 'degraded',
    ...(problem && { problem }),
  };
};

const readiness = async ({ parts, isStopping }: HealthOptions) => {
  if (isStopping()) return { ready: false, body: { status: 'stopping' } };
  const checked = await Promise.all(parts.map(checkPart));
  const failed = checked.some(({ status }) => status === 'failed');
  const degraded = checked.some(({ status }) => status === 'degraded');
  const status = failed ? 'failed' : degraded ? 'degraded' : 'ok';
  return { ready: !failed, body: { status, parts: checked.map(({ essential: _, ...part }) => part) } };
};

export const createHealth =
  (options: HealthOptions): Middleware =>
  async (context, next) => {
    const { health, ready, metrics } = options.paths;
    if (context.path === health) {
      context.body = { status: 'ok' };
    } else if (context.path === ready) {
      const { ready: isReady, body } = await readiness(options);
      context.status = isReady ? 200 : 503;
      context.body = body;
    } else if (context.path === metrics) {
      const { contentType, body } = await options.renderMetrics();
      context.type = contentType;
      context.body = body;
    } else {
      return next();
    }
    context.set('Cache-Control', 'no-store');
  };
