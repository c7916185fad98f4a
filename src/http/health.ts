/** Liveness, readiness and metrics. */
import type { Middleware } from 'koa';

export type ReadinessPart = Readonly<{
  name: string;
  /** Without an essential part nothing can be decided rightly; without another one some requests are refused. */
  essential: boolean;
  /** Gives what is wrong, or undefined. */
  check(): Promise<string | undefined>;
}>;

type ReadinessOptions = Readonly<{
  /** Asked each time, for a reload may change them. */
  parts(): readonly ReadinessPart[];
  /** True from SIGTERM on, so that no new requests are sent here while the last ones finish. */
  isStopping(): boolean;
  /** How long a part may take. Less than a probe waits: a part that hangs must not take the answer with it. */
  checkTimeoutMs?: number;
}>;

export type HealthOptions = ReadinessOptions &
  Readonly<{
    paths: Readonly<{ health: string; ready: string; metrics: string }>;
    renderMetrics(): Promise<Readonly<{ contentType: string; body: string }>>;
  }>;

const problemOf = async (check: ReadinessPart['check']): Promise<string | undefined> => {
  try {
    return await check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const inTime = async (check: ReadinessPart['check'], timeoutMs: number): Promise<string | undefined> => {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(resolve, timeoutMs, `no answer in ${timeoutMs} ms`);
  try {
    return await Promise.race([problemOf(check), late]);
  } finally {
    clearTimeout(timer);
  }
};

const checkPart = async ({ name, essential, check }: ReadinessPart, timeoutMs: number) => {
  const problem = await inTime(check, timeoutMs);
  if (problem === undefined) return { name, status: 'ok' };
  return { name, status: essential ? 'failed' : 'degraded', problem };
};

const readiness = async ({ parts, isStopping, checkTimeoutMs = 2_000 }: ReadinessOptions) => {
  if (isStopping()) return { status: 'stopping' };
  const checked = await Promise.all(parts().map((part) => checkPart(part, checkTimeoutMs)));
  const has = (wanted: string) => checked.some(({ status }) => status === wanted);
  return { status: has('failed') ? 'failed' : has('degraded') ? 'degraded' : 'ok', parts: checked };
};

const isReady = (status: string): boolean => status === 'ok' || status === 'degraded';

/** The same answer for doors other than HTTP. */
export const createReadinessCheck = (options: ReadinessOptions) => async (): Promise<boolean> =>
  isReady((await readiness(options)).status);

export const createHealth =
  (options: HealthOptions): Middleware =>
  async (context, next) => {
    const { health, ready, metrics } = options.paths;
    if (context.method !== 'GET' && context.method !== 'HEAD') return next();
    if (context.path === health) {
      context.body = { status: 'ok' };
    } else if (context.path === ready) {
      const body = await readiness(options);
      context.status = isReady(body.status) ? 200 : 503;
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
