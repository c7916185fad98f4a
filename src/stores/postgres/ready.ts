import { migrate } from './migrate.ts';
import type { Pool } from './pool.ts';

/** The schema is looked at once, by whoever needs it first after PostgreSQL is there. */
export const createReady = (pool: Pool): (() => Promise<void>) => {
  let ready: Promise<void> | undefined;
  return () => {
    ready ??= pool.use(migrate).catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    return ready;
  };
};
