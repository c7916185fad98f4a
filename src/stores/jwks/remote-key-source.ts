/** An issuer's JWKS over HTTP (RFC 7517): fetched once at a time, kept when a later fetch fails. */
import { createLocalJWKSet } from 'jose';
import type { KeySet, KeySource } from '../../identify/jwt/issuer.ts';
import type { Outbound } from '../outbound/exchange.ts';
import { readJwksUri, readKeySet } from './key-set.ts';

export type RemoteKeySource = KeySource &
  Readonly<{
    /** Fetches the keys now and then again at every interval; the first fetch may still fail. */
    start(): Promise<void>;
    /** Ends a fetch under way. What comes after is not told any more. */
    close(): void;
    /** Whether there are keys to verify with, and how old they are. */
    status(): Readonly<{ available: boolean; ageMs: number | undefined; lastError: string | undefined }>;
  }>;

export type RemoteKeySourceOptions = Readonly<{
  /** The JWKS itself, or with `discovery` the issuer, whose `/.well-known/openid-configuration` names it. */
  url: string;
  discovery: boolean;
  refreshIntervalMs: number;
  outbound: Outbound;
  now: () => number;
  onRefresh?: (outcome: 'changed' | 'unchanged' | 'failed', error?: unknown) => void;
}>;

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 512 * 1024;
/** Between two fetches that tokens cause, whatever came of the first. No rotation waits longer than this to be seen. */
const COOLDOWN_MS = 30_000;
/** While there are no keys at all, nobody can be let in: look again sooner. */
const COOLDOWN_WITHOUT_KEYS_MS = 1_000;
/** What failed is tried again before its interval is over, so that readiness recovers where no token asks. */
const RETRY_MS = 30_000;
/** Node takes a longer timer for one of a millisecond. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const createRemoteKeySource = (options: RemoteKeySourceOptions): RemoteKeySource => {
  const { discovery, refreshIntervalMs, outbound, now, onRefresh } = options;
  const closing = new AbortController();
  let current: { text: string; keySet: KeySet; fetchedAtMs: number } | undefined;
  let flight: Promise<void> | undefined;
  let lastAttemptMs = Number.NEGATIVE_INFINITY;
  let lastError: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const fetchJson = async (url: string): Promise<unknown> => {
    const { signal } = closing;
    const bounds = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, signal };
    const { status, body } = await outbound.exchange({ url: new URL(url), ...bounds });
    if (status !== 200) throw new Error(`${url} answered ${status}`);
    return JSON.parse(body);
  };

  const keySetUrl = async (): Promise<string> => {
    if (!discovery) return options.url;
    const path = '/.well-known/openid-configuration';
    return readJwksUri(await fetchJson(`${options.url.replace(/\/$/, '')}${path}`), options.url);
  };

  const take = (document: unknown): 'changed' | 'unchanged' => {
    const keySet = readKeySet(document);
    const text = JSON.stringify(keySet);
    const fetchedAtMs = now();
    const isSame = current?.text === text;
    current =
      current && isSame
        ? { ...current, fetchedAtMs }
        : { text, keySet: { resolve: createLocalJWKSet(keySet) }, fetchedAtMs };
    return isSame ? 'unchanged' : 'changed';
  };

  const fetchKeys = async (): Promise<void> => {
    lastAttemptMs = now();
    try {
      const outcome = take(await fetchJson(await keySetUrl()));
      lastError = undefined;
      onRefresh?.(outcome);
    } catch (error) {
      if (closing.signal.aborted) return;
      lastError = error instanceof Error ? error.message : String(error);
      onRefresh?.('failed', error);
    }
  };

  const fetchOnce = (): Promise<void> => {
    flight ??= fetchKeys().finally(() => {
      flight = undefined;
    });
    return flight;
  };

  const fetchAndAgain = async (): Promise<void> => {
    await fetchOnce();
    if (closing.signal.aborted) return;
    const intervalMs = Math.min(refreshIntervalMs, LONGEST_TIMER_MS);
    timer = setTimeout(fetchAndAgain, lastError === undefined ? intervalMs : Math.min(intervalMs, RETRY_MS)).unref();
  };

  return {
    current: () => current?.keySet,

    refresh() {
      if (flight !== undefined) return flight;
      const sinceMs = now() - lastAttemptMs;
      const cooldownMs = current ? COOLDOWN_MS : COOLDOWN_WITHOUT_KEYS_MS;
      // A clock that went back must not lock a rotation out until it has caught up.
      const isTooSoon = sinceMs >= 0 && sinceMs < cooldownMs;
      return isTooSoon || closing.signal.aborted ? Promise.resolve() : fetchOnce();
    },

    start: fetchAndAgain,

    close() {
      closing.abort();
      clearTimeout(timer);
    },

    status: () => ({
      available: current !== undefined,
      ageMs: current && now() - current.fetchedAtMs,
      lastError,
    }),
  };
};
