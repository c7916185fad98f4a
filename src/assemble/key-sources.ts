/** Keys of issuers that are fetched. They outlive a reload: what an issuer's keys are does not depend on the rest of the configuration. */
import type { IssuerConfig } from '../config/config.ts';
import { createRemoteKeySource, type RemoteKeySource } from '../stores/jwks/remote-key-source.ts';
import type { Outbound } from '../stores/outbound/exchange.ts';

export type RefreshOutcome = 'changed' | 'unchanged' | 'failed';

export type KeySourceParts = Readonly<{
  outbound: Outbound;
  now: () => number;
  onRefresh(issuer: string, outcome: RefreshOutcome, error: unknown): void;
}>;

/** What its fetches depend on. */
export type FetchedKeys = Pick<IssuerConfig, 'name' | 'issuer' | 'jwks_url' | 'jwks_refresh_interval'>;

export type HeldKeys = Readonly<{
  keys: RemoteKeySource;
  /** Settles when the first fetch has ended, whichever way. */
  fetched: Promise<void>;
  /** Whether nobody held them before. */
  isNew: boolean;
}>;

export type KeySources = Readonly<{
  /** Those that somebody already holds, or new ones, which begin to be fetched. Each `take` wants its `release`. */
  take(issuer: FetchedKeys): HeldKeys;
  release(keys: RemoteKeySource): void;
  /** Ends all fetches and waits for them. */
  close(): Promise<void>;
}>;

type Entry = Omit<HeldKeys, 'isNew'> & { users: number };

/** The name is what they are called in the log. */
const identityOf = ({ name, issuer, jwks_url, jwks_refresh_interval }: FetchedKeys): string =>
  JSON.stringify([name, issuer, jwks_url, jwks_refresh_interval]);

export const createKeySources = ({ outbound, now, onRefresh }: KeySourceParts): KeySources => {
  const entries = new Map<string, Entry>();

  const create = (issuer: FetchedKeys): Entry => {
    const keys = createRemoteKeySource({
      url: issuer.jwks_url ?? issuer.issuer,
      discovery: issuer.jwks_url === undefined,
      refreshIntervalMs: issuer.jwks_refresh_interval,
      outbound,
      now,
      onRefresh: (outcome, error) => onRefresh(issuer.name, outcome, error),
    });
    return { keys, fetched: keys.start(), users: 0 };
  };

  return {
    take(issuer) {
      const identity = identityOf(issuer);
      const entry = entries.get(identity) ?? create(issuer);
      entries.set(identity, entry);
      entry.users += 1;
      return { keys: entry.keys, fetched: entry.fetched, isNew: entry.users === 1 };
    },

    release(keys) {
      for (const [identity, entry] of entries) {
        if (entry.keys !== keys) continue;
        entry.users -= 1;
        if (entry.users > 0) return;
        entries.delete(identity);
        keys.close();
      }
    },

    async close() {
      const all = [...entries.values()];
      entries.clear();
      for (const { keys } of all) keys.close();
      await Promise.allSettled(all.map(({ fetched }) => fetched));
    },
  };
};
