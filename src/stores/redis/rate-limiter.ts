/** Rate limits kept by Redis. What is asked for in one turn of the event loop goes there in few commands, of one write each. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Counter, Taken } from '../../checks/rate-limit.ts';
import type { Link } from './link.ts';
import { reasonOf } from './reason.ts';
import { takeScript } from './take-script.ts';
import { within } from './within.ts';

export type RedisRateLimiterOptions = Readonly<{
  link: Pick<Link, 'client' | 'fail'>;
  keyPrefix: string;
  timeoutMs: number;
  script?: string;
}>;

/** Rejects where Redis does not answer in time, or not sensibly; undefined where there is no connection. */
export type RedisRateLimiter = Readonly<{
  take(counters: readonly Counter[], count: boolean): Promise<Taken> | undefined;
}>;

/** So many requests in a command that Redis has begun on the first while the last are still read. */
const MOST_TOGETHER = 16;
const NUMBERS_EACH = 4;

type Waiting = Readonly<{
  counters: readonly Counter[];
  resolve: (taken: Taken) => void;
  reject: (reason: unknown) => void;
}>;

type Batch = { readonly keys: string[]; readonly args: (string | number)[]; readonly waiting: Waiting[] };

const emptyBatch = (): Batch => ({ keys: [], args: [], waiting: [] });

const wholeNumber = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const readAnswer = (answer: unknown, waiting: readonly Waiting[]): Taken[] => {
  if (!Array.isArray(answer) || answer.length !== waiting.length * NUMBERS_EACH || !answer.every(wholeNumber)) {
    throw new Error('an answer of another form than expected');
  }
  return waiting.map(({ counters }, index) => {
    const [passed = 0, told = 0, remaining = 0, moreAfterMs = 0] = answer.slice(index * NUMBERS_EACH);
    if (passed > 1 || told < 1 || told > counters.length) throw new Error('an answer of another form than expected');
    return { passed: passed === 1, at: told - 1, remaining, moreAfterMs };
  });
};

/** As the probe of a new connection: whether scripts run, and write. */
const probe: readonly Counter[] = [{ key: 'probe', limit: Number.MAX_SAFE_INTEGER, windowMs: 1_000 }];

export const createRunner = ({
  keyPrefix,
  script = takeScript(),
}: Pick<RedisRateLimiterOptions, 'keyPrefix' | 'script'>) => {
  const sha = createHash('sha1').update(script).digest('hex');

  const add = (
    batch: Batch,
    counters: readonly Counter[],
    count: boolean,
    waiting: Omit<Waiting, 'counters'>,
  ): void => {
    batch.args.push(counters.length, count ? 1 : 0);
    for (const { key, limit, windowMs } of counters) {
      batch.keys.push(keyPrefix + key);
      batch.args.push(limit, windowMs);
    }
    batch.waiting.push({ counters, ...waiting });
  };

  /** A Redis that was started again, or told to forget its scripts, is sent the text. */
  const run = async (client: Redis, { keys, args }: Batch): Promise<unknown> => {
    try {
      return await client.evalsha(sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return client.eval(script, keys.length, ...keys, ...args);
    }
  };

  return {
    add,
    run,

    async probe(client: Redis): Promise<void> {
      const batch = emptyBatch();
      add(batch, probe, true, { resolve: () => undefined, reject: () => undefined });
      readAnswer(await run(client, batch), batch.waiting);
    },
  };
};

export const createRedisRateLimiter = ({ link, timeoutMs, ...options }: RedisRateLimiterOptions): RedisRateLimiter => {
  const { add, run } = createRunner(options);
  let batch = emptyBatch();

  const settle = async (client: Redis, { waiting, ...asked }: Batch): Promise<void> => {
    try {
      const taken = readAnswer(await within(run(client, { waiting, ...asked }), timeoutMs), waiting);
      for (const [index, one] of taken.entries()) waiting[index]?.resolve(one);
    } catch (error) {
      link.fail(client, reasonOf(error));
      for (const { reject } of waiting) reject(error);
    }
  };

  const send = (): void => {
    const asked = batch;
    if (asked.waiting.length === 0) return;
    batch = emptyBatch();
    const client = link.client();
    if (client) void settle(client, asked);
    else for (const { reject } of asked.waiting) reject(new Error('the connection was lost'));
  };

  return {
    take(counters, count) {
      if (!link.client()) return undefined;
      return new Promise((resolve, reject) => {
        if (batch.waiting.length === 0) setImmediate(send);
        add(batch, counters, count, { resolve, reject });
        if (batch.waiting.length === MOST_TOGETHER) send();
      });
    },
  };
};
