/** What replicas tell each other of their configuration: its number, which every reload raises, and what each of them runs. */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { ReplicaEvents, Replicas } from '../../reload/replicas.ts';
import type { Replica, ReplicaStatus } from '../../reload/status.ts';
import { createClient, type RedisTarget } from './client.ts';
import { createLink } from './link.ts';
import { reasonOf } from './reason.ts';
import { within } from './within.ts';

export type RedisReplicasOptions = Readonly<{
  id: string;
  target: RedisTarget;
  onLost(reason: string): void;
  onBack(): void;
}>;

/** A message may be lost; nobody stays behind for longer. */
const LOOK_EVERY_MS = 5_000;
const GONE_AFTER_MS = 30_000;
/** Nobody waits for these on the way of a request. */
const ANSWER_WITHIN_MS = 2_000;

/** Times by the clock of Redis, for those of the replicas may differ. */
const tellScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all = cjson.decode(redis.call('GET', KEYS[2]) or '{}')
all[ARGV[1]] = { seen = now, status = ARGV[2] }
for id, one in pairs(all) do
  if now - one.seen > tonumber(ARGV[3]) then all[id] = nil end
end
local text = cjson.encode(all)
redis.call('SET', KEYS[2], text)
return { redis.call('GET', KEYS[1]) or '0 ', text }`;

const announceScript = `
local known = tonumber(string.match(redis.call('GET', KEYS[1]) or '0', '^%d+'))
local next = math.max(known, tonumber(ARGV[1])) + 1
redis.call('SET', KEYS[1], next .. ' ' .. ARGV[2])
redis.call('PUBLISH', KEYS[1], next)
return next`;

const told = z.tuple([z.string(), z.string()]);

const statusShape = z.object({
  generation: z.number(),
  digest: z.string(),
  loadedAtMs: z.number(),
  secretsReadAtMs: z.number(),
  secretsProblem: z.string().optional(),
  lastError: z.object({ atMs: z.number(), problems: z.array(z.string()) }).optional(),
  behind: z.number().optional(),
  counts: z.object({ changed: z.number(), unchanged: z.number(), refused: z.number() }),
});

const everybody = z.record(z.string(), z.object({ seen: z.number(), status: z.string() }));

const readReplicas = (text: string): readonly Replica[] =>
  Object.entries(everybody.parse(JSON.parse(text))).map(([id, { seen, status }]) => {
    const { secretsProblem, lastError, behind, ...rest } = statusShape.parse(JSON.parse(status));
    return { id, seenAtMs: seen, status: { ...rest, secretsProblem, lastError, behind } };
  });

export const createRedisReplicas = ({ id, target, onLost, onBack }: RedisReplicasOptions): Replicas => {
  const channel = `${target.keyPrefix}config`;
  const keys = [channel, `${target.keyPrefix}config-replicas`] as const;
  let own: ReplicaStatus | undefined;
  let events: ReplicaEvents | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** A number that was given while the others could not be told. */
  let isUntold = false;
  let isNew = true;

  const run = async (client: Redis, script: string, args: readonly (string | number)[]): Promise<unknown> => {
    try {
      return await within(client.eval(script, keys.length, ...keys, ...args), ANSWER_WITHIN_MS);
    } catch (error) {
      link.fail(client, reasonOf(error));
      throw error;
    }
  };

  /** Says what we run, and hears what the others do. */
  const exchange = async (client: Redis): Promise<Readonly<{ generation: number; replicas: readonly Replica[] }>> => {
    const answer = await run(client, tellScript, [id, JSON.stringify(own), GONE_AFTER_MS]);
    const [news, text] = told.parse(answer);
    const [number = '0', digest = ''] = news.split(' ');
    const generation = Number(number);
    if (own && generation > own.generation) {
      // Whoever has just started has just read its file, and with the same text there is nothing to follow.
      if (isNew && digest === own.digest) events?.onRenumbered(generation);
      else events?.onNews(generation, digest);
    }
    isNew = false;
    return { generation, replicas: readReplicas(text) };
  };

  const announceBy = async (client: Redis, from: number, digest: string): Promise<number> =>
    z.number().parse(await run(client, announceScript, [from, digest]));

  const look = async (): Promise<void> => {
    const client = link.client();
    if (!client || !own) return;
    if (isUntold) {
      isUntold = false;
      try {
        events?.onRenumbered(await announceBy(client, own.generation, own.digest));
      } catch (error) {
        isUntold = true;
        throw error;
      }
    }
    await exchange(client);
  };

  // What fails is told by the link, and tried again.
  const lookSafely = (): void => void look().catch(() => undefined);

  const link = createLink({
    create: () => createClient(target),
    async prepare(client) {
      client.on('message', lookSafely);
      await client.subscribe(channel);
    },
    onUp: lookSafely,
    onLost,
    onBack,
  });

  return {
    id,

    start(status, listening) {
      own = status;
      events = listening;
      timer = setInterval(lookSafely, LOOK_EVERY_MS).unref();
      link.start().catch(() => undefined);
    },

    async announce(from, digest) {
      const client = link.client();
      const number = client && (await announceBy(client, from, digest).catch(() => undefined));
      isUntold = number === undefined;
      return number ?? from + 1;
    },

    tell(status) {
      own = status;
      lookSafely();
    },

    async list() {
      const client = link.client();
      const seen = client && (await exchange(client).catch(() => undefined));
      const problem = seen ? undefined : `Redis does not answer: ${link.problem() ?? 'no answer'}`;
      return { replicas: seen?.replicas ?? [], problem };
    },

    async close() {
      clearInterval(timer);
      link.close();
    },
  };
};
