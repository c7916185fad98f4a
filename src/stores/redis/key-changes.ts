/** Tells the other replicas which keys changed. A message names the digest of a key, which is no secret. */
import type { Redis } from 'ioredis';
import type { Link } from './link.ts';

export type KeyChanges = Readonly<{
  /** Tells of a key that was created, changed or revoked here; as soon as there is a connection. */
  spread(hash: string): void;
  /** Hears what others tell, from here on. Rejects where the server does not allow it. */
  listen(client: Redis): Promise<void>;
  /** For a new connection that listens: whatever was told before it may have been missed. */
  catchUp(client: Redis): void;
}>;

export type KeyChangesOptions = Readonly<{
  link: () => Pick<Link, 'client'>;
  keyPrefix: string;
  forget(hash: string): void;
  forgetAll(): void;
}>;

const digest = /^[0-9a-f]{64}$/;
const EVERYTHING = '*';
const MOST_UNSENT = 1_000;

export const channelOf = (keyPrefix: string): string => `${keyPrefix}key-changes`;

/** Resolves when the message has reached the server. */
export const publishKeyChange = async (client: Redis, keyPrefix: string, message: string): Promise<void> => {
  await client.publish(channelOf(keyPrefix), message);
};

export const createKeyChanges = ({ link, keyPrefix, forget, forgetAll }: KeyChangesOptions): KeyChanges => {
  /** Each with the change that it told of last: one that arrived says nothing of those after it. */
  const unsent = new Map<string, symbol>();

  const send = (client: Redis, message: string): void => {
    const change = unsent.get(message);
    publishKeyChange(client, keyPrefix, message).then(
      () => {
        if (unsent.get(message) === change) unsent.delete(message);
      },
      // It stays among the unsent, for the next connection.
      () => undefined,
    );
  };

  /** Gives what is to be told. Beyond so many, everything may have changed. */
  const remember = (hash: string): string => {
    const message = unsent.size >= MOST_UNSENT || unsent.has(EVERYTHING) ? EVERYTHING : hash;
    if (message === EVERYTHING) unsent.clear();
    unsent.set(message, Symbol());
    return message;
  };

  return {
    spread(hash) {
      const message = remember(hash);
      const client = link().client();
      if (client) send(client, message);
    },

    async listen(client) {
      client.on('message', (_channel, message) => {
        if (message === EVERYTHING) forgetAll();
        else if (digest.test(message)) forget(message);
      });
      await client.subscribe(channelOf(keyPrefix));
    },

    catchUp(client) {
      forgetAll();
      for (const message of unsent.keys()) send(client, message);
    },
  };
};
