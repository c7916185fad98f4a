/** A connection to Redis that is either good or being made again; nobody waits for it, and nothing is queued while it is away. */
import type { Redis } from 'ioredis';
import { abandon, CONNECT_WITHIN_MS } from './client.ts';
import { reasonOf } from './reason.ts';
import { within } from './within.ts';

export type Link = Readonly<{
  /** The connection, while it is good. */
  client(): Redis | undefined;
  /** Gives up a connection that did not answer in time, or not sensibly. */
  fail(client: Redis, reason: string): void;
  /** What is wrong, or undefined. */
  problem(): string | undefined;
  /** Resolves when the first try has ended, whichever way. */
  start(): Promise<void>;
  close(): void;
}>;

export type LinkOptions = Readonly<{
  create(): Redis;
  /** What must work before a connection is good. */
  prepare(client: Redis): Promise<void>;
  /** A connection is good. */
  onUp(client: Redis): void;
  /** Told once, however often another try fails. */
  onLost(reason: string): void;
  onBack(): void;
}>;

const HEARTBEAT_MS = 1_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
/** A connection that was good for this long was no accident: the next one is tried soon. */
const STEADY_MS = 10_000;

export const createLink = ({ create, prepare, onUp, onLost, onBack }: LinkOptions): Link => {
  let current: Redis | undefined;
  let problem: string | undefined = 'not connected yet';
  let isLost = false;
  let isClosed = false;
  let retryMs = FIRST_RETRY_MS;
  let goodSinceMs = 0;
  let retry: NodeJS.Timeout | undefined;
  let heartbeat: NodeJS.Timeout | undefined;

  const lose = (reason: string): void => {
    current = undefined;
    clearInterval(heartbeat);
    if (isClosed) return;
    problem = reason;
    if (!isLost) onLost(reason);
    isLost = true;
    // Some jitter, so that replicas that lost Redis together do not come back together.
    retry = setTimeout(dial, retryMs * (0.75 + Math.random() / 2)).unref();
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  };

  const fail = (client: Redis, reason: string): void => {
    if (client !== current) return;
    if (performance.now() - goodSinceMs > STEADY_MS) retryMs = FIRST_RETRY_MS;
    lose(reason);
    abandon(client);
  };

  const beat = (client: Redis): void => {
    within(client.ping(), CONNECT_WITHIN_MS).catch((error: unknown) => fail(client, reasonOf(error)));
  };

  const use = (client: Redis): void => {
    current = client;
    problem = undefined;
    goodSinceMs = performance.now();
    heartbeat = setInterval(beat, HEARTBEAT_MS, client).unref();
    if (isLost) onBack();
    isLost = false;
    onUp(client);
  };

  const dial = async (): Promise<void> => {
    const client = create();
    let last: unknown;
    client.on('error', (error: unknown) => {
      last = error;
    });
    client.on('end', () => fail(client, last === undefined ? 'the connection was closed' : reasonOf(last)));
    try {
      await within(
        client.connect().then(() => prepare(client)),
        CONNECT_WITHIN_MS,
      );
    } catch (error) {
      abandon(client);
      return lose(reasonOf(last ?? error));
    }
    if (isClosed) return abandon(client);
    if (client.status !== 'ready') return lose(reasonOf(last ?? new Error('the connection was closed')));
    use(client);
  };

  return {
    client: () => current,
    fail,
    problem: () => problem,
    start: dial,

    close() {
      isClosed = true;
      clearTimeout(retry);
      clearInterval(heartbeat);
      if (current) abandon(current);
      current = undefined;
    },
  };
};
