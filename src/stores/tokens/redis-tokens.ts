/** Tokens that replicas share through Redis, sealed; and the locks of those who ask for one. */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { TokenKey } from '../../egress/tokens/token-key.ts';
import type { TokenShelf } from '../../egress/tokens/token-shelf.ts';
import { createClient, type RedisTarget } from '../redis/client.ts';
import { createLink } from '../redis/link.ts';
import { reasonOf } from '../redis/reason.ts';
import { within } from '../redis/within.ts';
import { openToken, sealToken } from './sealed-token.ts';

export type RedisTokensOptions = Readonly<{
  target: RedisTarget;
  onLost(reason: string): void;
  onBack(): void;
}>;

export type RedisTokens = Readonly<{
  shelf(key: TokenKey): TokenShelf;
  /** What is wrong, or undefined. */
  problem(): string | undefined;
  close(): void;
}>;

/** Whoever held the lock for too long must not open that of the next. */
const releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

/** Resolves when the first try to connect has ended; goes on trying where it failed. */
export const openRedisTokens = async ({ target, onLost, onBack }: RedisTokensOptions): Promise<RedisTokens> => {
  const { keyPrefix, timeoutMs } = target;
  const link = createLink({
    create: () => createClient(target),
    async prepare(client) {
      await client.ping();
    },
    onUp: () => undefined,
    onLost,
    onBack,
  });

  /** A connection that does not answer in time is given up, so that the next question does not wait for it as well. */
  const ask = async <T>(command: (client: Redis) => Promise<T>): Promise<T> => {
    const client = link.client();
    if (!client) throw new Error('Redis is away');
    try {
      return await within(command(client), timeoutMs);
    } catch (error) {
      link.fail(client, reasonOf(error));
      throw error;
    }
  };

  await link.start();

  return {
    shelf(key) {
      const [name, lockName] = [`${keyPrefix}token:${key.id}`, `${keyPrefix}token-lock:${key.id}`];
      return {
        async read() {
          const text = await ask((client) => client.get(name));
          return text === null ? undefined : openToken(text, key);
        },

        async write(token, keepMs) {
          await ask((client) => client.set(name, sealToken(token, key), 'PX', Math.ceil(keepMs)));
        },

        async lock(forMs) {
          const holder = randomUUID();
          const taken = await ask((client) => client.set(lockName, holder, 'PX', forMs, 'NX'));
          if (taken === null) return undefined;
          return async () => {
            await ask((client) => client.eval(releaseScript, 1, lockName, holder));
          };
        },
      };
    },

    problem: link.problem,
    close: link.close,
  };
};
