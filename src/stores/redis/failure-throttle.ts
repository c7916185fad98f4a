/**
 * Bad credentials by source, for all replicas. What happens here counts here at once and is told to Redis a moment later; its
 * answer is what the others counted. So whoever guesses at several replicas has a few more tries, and no good caller waits.
 */
import type { FailureThrottle, FloodThrottle } from '../../identify/failure-throttle.ts';
import type { Link } from './link.ts';

/** That of this process: counts, and takes over what others counted. */
export type OwnThrottle = FloodThrottle & Readonly<{ adopt(source: string, count: number, endsInMs: number): void }>;

export type SharedThrottleOptions = Readonly<{
  link: Pick<Link, 'client'>;
  keyPrefix: string;
  own: OwnThrottle;
}>;

export type SharedThrottle = FloodThrottle & Readonly<{ close(): void }>;

const TELL_AFTER_MS = 250;
const WINDOW_MS = 60_000;
const MOST_AT_ONCE = 1_000;

/** KEYS: sources. ARGV: how many failures each had since the last time. Gives for each how many in all, and for how long. */
const script = `
local counts = {}
for i, key in ipairs(KEYS) do
  local count = redis.call('INCRBY', key, ARGV[i])
  if count == tonumber(ARGV[i]) then redis.call('PEXPIRE', key, ${WINDOW_MS}) end
  counts[2 * i - 1] = count
  counts[2 * i] = redis.call('PTTL', key)
end
return counts
`;

const numberAt = (answer: readonly unknown[], index: number): number => {
  const value = answer[index];
  return typeof value === 'number' ? value : 0;
};

export const createSharedThrottle = ({ link, keyPrefix, own }: SharedThrottleOptions): SharedThrottle => {
  let failures = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  const tell = async (): Promise<void> => {
    timer = undefined;
    const told = failures;
    failures = new Map();
    const client = link.client();
    if (!client) return;
    const sources = [...told.keys()];
    const keys = sources.map((source) => `${keyPrefix}failures:${source}`);
    const answer: unknown = await client.eval(script, keys.length, ...keys, ...told.values());
    if (!Array.isArray(answer)) return;
    for (const [index, source] of sources.entries()) {
      own.adopt(source, numberAt(answer, 2 * index), numberAt(answer, 2 * index + 1));
    }
  };

  const note: FailureThrottle['recordFailure'] = (source) => {
    // More than so many sources at once: those left out count in this process alone.
    if (source === '' || (failures.size >= MOST_AT_ONCE && !failures.has(source))) return;
    failures.set(source, (failures.get(source) ?? 0) + 1);
    // Whether Redis heard is of no consequence: the link looks after itself.
    timer ??= setTimeout(() => tell().catch(() => undefined), TELL_AFTER_MS).unref();
  };

  return {
    isOpen: own.isOpen,
    isFlood: own.isFlood,

    recordFailure(source) {
      own.recordFailure(source);
      note(source);
    },

    close: () => clearTimeout(timer),
  };
};
