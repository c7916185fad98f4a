/** For commands that change keys beside the running service. */
import { abandon, CONNECT_WITHIN_MS, createClient, type RedisTarget } from './client.ts';
import { publishKeyChange } from './key-changes.ts';
import { reasonOf } from './reason.ts';
import { within } from './within.ts';

/** Tells every replica of changed keys. Gives the reason where they cannot be told. */
export const announceKeyChanges = async (
  target: RedisTarget,
  hashes: readonly string[],
): Promise<string | undefined> => {
  const client = createClient(target);
  let last: unknown;
  client.on('error', (error: unknown) => {
    last = error;
  });
  try {
    await within(client.connect(), CONNECT_WITHIN_MS);
    const told = Promise.all(hashes.map((hash) => publishKeyChange(client, target.keyPrefix, hash)));
    await within(told, CONNECT_WITHIN_MS);
    return undefined;
  } catch (error) {
    return reasonOf(last ?? error);
  } finally {
    abandon(client);
  }
};
