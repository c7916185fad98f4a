/** An issuer's JWKS over HTTP (RFC 7517): fetched once at a time, kept when a later fetch fails. */
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { KeySet, KeySource } from '../../identify/jwt/issuer.ts';
import type { Outbound } from '../outbound/exchange.ts';

export type RemoteKeySource = KeySource &
  Readonly<{
    /** Fetches the keys now and then again at every interval; the first fetch may still fail. */
    start(): Promise<void>;
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
const MAX_KEYS = 100;
/** Between two fetches that tokens cause, whatever came of the first. */
const COOLDOWN_MS = 30_000;
/** While there are no keys at all, nobody can be let in: look again sooner. */
const COOLDOWN_WITHOUT_KEYS_MS = 1_000;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keeps public signature keys alone: a symmetric key that is published is no secret. */
const readKeySet = (document: unknown): JSONWebKeySet => {
  const keys = isObject(document) && Array.isArray(document['keys']) ? document['keys'].filter(isObject) : [];
  const usable = keys.filter(({ kty, use }) => typeof kty === 'string' && kty !== 'oct' && use !== 'enc');
  if (usable.length === 0) throw new Error('the key set has no public signature key');
  if (usable.length > MAX_KEYS) throw new Error(`the key set has more than ${MAX_KEYS} keys`);
  return { keys: usable.map((key) => ({ ...key, kty: String(key['kty']) })) };
};

export const createRemoteKeySource = (options: RemoteKeySourceOptions): RemoteKeySource => {
  const { discovery, refreshIntervalMs, outbound, now, onRefresh } = options;
  let current: { text: string; keySet: KeySet; fetchedAtMs: number } | undefined;
  let flight: Promise<void> | undefined;
  let lastAttemptMs = Number.NEGATIVE_INFINITY;
  let lastError: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const fetchJson = async (url: string): Promise<unknown> => {
    const { status, body } = await outbound.exchange({ url: new URL(url), timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
    if (status !== 200) throw new Error(`${url} answered ${status}`);
    return JSON.parse(body);
  };

  const keySetUrl = async (): Promise<string> => {
    if (!discovery) return options.url;
    const issuer = options.url.replace(/\/$/, '');
    const document = await fetchJson(`${issuer}/.well-known/openid-configuration`);
    if (!isObject(document) || document['issuer'] !== options.url) {
      throw new Error('the discovery document is of another issuer');
    }
    if (typeof document['jwks_uri'] !== 'string') throw new Error('the discovery document has no jwks_uri');
    if (options.url.startsWith('https:') && !document['jwks_uri'].startsWith('https:')) {
      throw new Error('the discovery document points from https to plain http');
    }
    return document['jwks_uri'];
  };

  const fetchKeys = async (): Promise<void> => {
    lastAttemptMs = now();
    try {
      const keySet = readKeySet(await fetchJson(await keySetUrl()));
      const text = JSON.stringify(keySet);
      const changed = text !== current?.text;
      current =
        changed || !current
          ? { text, keySet: { resolve: createLocalJWKSet(keySet) }, fetchedAtMs: now() }
          : { ...current, fetchedAtMs: now() };
      lastError = undefined;
      onRefresh?.(changed ? 'changed' : 'unchanged');
    } catch (error) {
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

  return {
    current: () => current?.keySet,

    refresh() {
      if (flight !== undefined) return flight;
      const cooldownMs = current ? COOLDOWN_MS : COOLDOWN_WITHOUT_KEYS_MS;
      return now() - lastAttemptMs < cooldownMs ? Promise.resolve() : fetchOnce();
    },

    async start() {
      timer = setInterval(fetchOnce, refreshIntervalMs).unref();
      await fetchOnce();
    },

    close() {
      clearInterval(timer);
    },

    status: () => ({
      available: current !== undefined,
      ageMs: current && now() - current.fetchedAtMs,
      lastError,
    }),
  };
};
