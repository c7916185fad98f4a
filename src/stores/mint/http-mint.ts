/** A Cashu mint over HTTP (NUT-01, 02, 03, 07, 09). */
import type { Keyset, KeysetKeys, Mint } from '../../paywall/mint.ts';
import type { ExchangeResult, Outbound } from '../outbound/exchange.ts';
import { readKeys, readKeysets, readRestored, readStates, readSwap, WrongKeys } from './answers.ts';

export type HttpMint = Mint &
  Readonly<{
    /** Looks up the keysets now and then at an interval; the mint may still be out of reach. */
    start(): Promise<void>;
    close(): void;
    status(): Readonly<{ reachable: boolean; lastError: string | undefined }>;
  }>;

export type HttpMintOptions = Readonly<{
  /** Normalised, without a slash at its end. */
  url: string;
  units: readonly string[];
  timeoutMs: number;
  outbound: Outbound;
  now: () => number;
  /** Told once of every keyset whose keys do not fit its id. */
  onWrongKeys?: (url: string, keysetId: string) => void;
}>;

const MAX_BYTES = 1024 * 1024;
const LOOK_AGAIN_MS = 10 * 60_000;
/** After a look that failed. */
const RETRY_MS = 15_000;
/** A mint whose list we have never seen is not asked for it at every request. */
const COOLDOWN_MS = 5_000;
/** Wrong keys are not fetched again at every payment. */
const WRONG_KEYS_REST_MS = 60_000;
/** Callers wait for the list before anything can be said of their token. */
const LIST_WITHIN_MS = 5_000;

export const createHttpMint = (options: HttpMintOptions): HttpMint => {
  const { url, units, timeoutMs, outbound, now } = options;
  let known: readonly Keyset[] = [];
  const keysById = new Map<string, Promise<KeysetKeys>>();
  const wrong = new Map<string, Readonly<{ error: WrongKeys; untilMs: number }>>();
  let lastAttemptMs = Number.NEGATIVE_INFINITY;
  let lastError: string | undefined;
  let flight: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const exchange = async (path: string, body?: string, withinMs = timeoutMs): Promise<ExchangeResult> =>
    outbound.exchange({
      url: new URL(`${url}${path}`),
      timeoutMs: Math.min(withinMs, timeoutMs),
      maxBytes: MAX_BYTES,
      ...(body === undefined ? {} : { method: 'POST', body }),
    });

  const lookUp = async (): Promise<void> => {
    lastAttemptMs = now();
    try {
      known = readKeysets(await exchange('/v1/keysets', undefined, LIST_WITHIN_MS));
      lastError = undefined;
    } catch (error) {
      lastError = error instanceof Error ? error.message : String(error);
    }
  };

  const lookUpOnce = (): Promise<void> => {
    flight ??= lookUp().finally(() => {
      flight = undefined;
    });
    return flight;
  };

  const lookNowAndThen = async (): Promise<void> => {
    await lookUpOnce();
    if (!closed) timer = setTimeout(lookNowAndThen, lastError === undefined ? LOOK_AGAIN_MS : RETRY_MS).unref();
  };

  const fetchKeys = async (id: string): Promise<KeysetKeys> => {
    const refused = wrong.get(id);
    if (refused && now() < refused.untilMs) throw refused.error;
    if (known.length === 0) await refreshKeysets(COOLDOWN_MS);
    const answer = await exchange(`/v1/keys/${id}`);
    try {
      const keys = readKeys(
        id,
        answer,
        known.find((keyset) => keyset.id === id),
      );
      wrong.delete(id);
      return { id, keys };
    } catch (error) {
      if (!(error instanceof WrongKeys)) throw error;
      if (!refused) options.onWrongKeys?.(url, id);
      wrong.set(id, { error, untilMs: now() + WRONG_KEYS_REST_MS });
      throw error;
    }
  };

  /** Kept for ever, for the keys of a keyset never change; a failure is not kept. */
  const keysOf = (id: string): Promise<KeysetKeys> => {
    const asked = keysById.get(id);
    if (asked !== undefined) return asked;
    const keys = fetchKeys(id);
    keysById.set(id, keys);
    keys.catch(() => keysById.delete(id));
    return keys;
  };

  const refreshKeysets = async (maxAgeMs: number): Promise<void> => {
    if (flight !== undefined || now() - lastAttemptMs >= maxAgeMs) await lookUpOnce();
    if (lastError !== undefined) throw new Error(`the mint ${url} cannot be reached: ${lastError}`);
  };

  const activeKeys = async (unit: string): Promise<KeysetKeys> => {
    if (known.length === 0) await refreshKeysets(COOLDOWN_MS);
    const active = known.filter((keyset) => keyset.active && keyset.unit === unit);
    const cheapest = active.sort((a, b) => a.inputFeePpk - b.inputFeePpk)[0];
    if (!cheapest) throw new Error(`the mint ${url} has no active keyset in ${unit}`);
    return keysOf(cheapest.id);
  };

  return {
    url,
    units,
    keysets: () => known,
    refreshKeysets,
    activeKeys,
    keys: keysOf,

    async swap(body, outputs) {
      try {
        return readSwap(await exchange('/v1/swap', body), outputs);
      } catch (error) {
        return { outcome: 'unclear', reason: error instanceof Error ? error.message : String(error) };
      }
    },

    states: async (ys) => readStates(await exchange('/v1/checkstate', JSON.stringify({ Ys: ys })), ys),

    restore: async (outputs) => readRestored(await exchange('/v1/restore', JSON.stringify({ outputs })), outputs),

    async start() {
      await lookNowAndThen();
      // Fetched ahead of the first payment; where it fails, that payment asks again.
      await Promise.allSettled(known.length === 0 ? [] : units.map(activeKeys));
    },

    close() {
      closed = true;
      clearTimeout(timer);
    },

    status: () => ({
      reachable: known.length > 0 && lastError === undefined,
      lastError: lastError ?? wrong.values().next().value?.error.message,
    }),
  };
};
