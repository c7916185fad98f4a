/** What is told of Redis: a line when it goes and one when it comes back, however many requests come meanwhile. */
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { createTally } from './tally.ts';

/** Only where Redis is configured: a gauge that nobody sets would say that it is away. */
export const createRedisEvents = (registry: Registry, logger: Logger) => {
  const up = new Gauge({
    name: 'sallyport_redis_up',
    help: '1 while Redis answers, else 0; of several workers the least.',
    registers: [registry],
    aggregator: 'min',
  });
  up.set(1);
  const withoutRedis = createTally(
    registry,
    'sallyport_limits_without_redis_total',
    'Requests whose limits were counted without Redis, because it did not answer.',
    [],
  );

  return {
    onLost(reason: string) {
      up.set(0);
      logger.warn({ event: 'redis_lost', reason }, 'Redis does not answer: limits are counted without it');
    },

    onBack() {
      up.set(1);
      logger.info({ event: 'redis_back' }, 'Redis answers again');
    },

    onFallback: () => withoutRedis.count({}),
  };
};
