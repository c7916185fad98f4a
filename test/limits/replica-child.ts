/** A replica: the limiter as the service puts it together, in a process of its own, which asks as it is told to. */
import type { Counter } from '../../src/checks/rate-limit.ts';
import { createFailureThrottle } from '../../src/stores/memory/failure-throttle.ts';
import { createMemoryRateLimiter } from '../../src/stores/memory/rate-limiter.ts';
import { openRedis } from '../../src/stores/redis/open.ts';

/** Each request: how long after the one before, and which counters. */
export type Order = Readonly<{
  counters: readonly Counter[];
  requests: readonly (readonly [afterMs: number, of: readonly number[]])[];
}>;

/** A request that passed, by the machine's clock: it was counted at some time between the two. */
export type Passed = Readonly<{ fromMs: number; toMs: number; of: readonly number[] }>;

export type FromChild = Readonly<{ ready: true }> | Readonly<{ passed: readonly Passed[]; fallbacks: number }>;

const tell = (message: FromChild): void => {
  process.send?.(message);
};

let fallbacks = 0;
const shared = await openRedis({
  target: {
    host: '127.0.0.1',
    port: Number(process.argv[2]),
    db: 0,
    username: undefined,
    password: undefined,
    tls: undefined,
    keyPrefix: 'test:',
    // A busy machine must not turn a test of Redis into one of the fallback.
    timeoutMs: 5_000,
  },
  ownLimiter: createMemoryRateLimiter(Date.now),
  severalLimiter: undefined,
  ownThrottle: createFailureThrottle(100, Date.now),
  forgetKey: () => undefined,
  forgetAllKeys: () => undefined,
  onLost: () => undefined,
  onBack: () => undefined,
  onFallback: () => fallbacks++,
});

const clockMs = (): number => performance.timeOrigin + performance.now();

const ask = async (order: Order, of: readonly number[], passed: Passed[]): Promise<void> => {
  const fromMs = clockMs();
  const taken = await shared.limiter.take(
    of.flatMap((index) => order.counters[index] ?? []),
    true,
  );
  if (taken.passed) passed.push({ fromMs, toMs: clockMs(), of });
};

process.on('message', async (order: Order) => {
  const passed: Passed[] = [];
  const asking: Promise<void>[] = [];
  for (const [afterMs, of] of order.requests) {
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
    asking.push(ask(order, of, passed));
  }
  await Promise.all(asking);
  tell({ passed, fallbacks });
});

tell({ ready: true });
