/** The current token of one credential: at hand where it is cached, renewed ahead of its end, asked for once at a time. */
import type { Eventually } from '../../core/eventually.ts';
import { CredentialUnavailable, type Dressing } from '../credential.ts';
import { type FetchTokenOptions, fetchToken } from './fetch-token.ts';
import { TokenRefused } from './token-answer.ts';
import type { HeldToken } from './token-cell.ts';

export type TokenEvents = Readonly<{
  /** The provider was asked. `error` is for the log: no secret is in it. */
  onRefresh(outcome: 'ok' | 'error', error?: unknown): void;
  /** A call was dressed without asking the provider. */
  onCacheHit(): void;
}>;

export type TokenSourceOptions = Omit<FetchTokenOptions, 'isGood'> &
  Readonly<{
    /** At most half of a token's life counts. */
    refreshBeforeMs: number;
    events: TokenEvents;
    /** From 0 to 1. */
    random: () => number;
  }>;

export type TokenSource = Readonly<{
  /** Throws or rejects with `CredentialUnavailable`. */
  dress(): Eventually<Dressing>;
  /** The target refused a call so dressed. Whether `dress` may now give another token. */
  renew(used: Dressing): boolean;
}>;

const FIRST_COOL_DOWN_MS = 1_000;
const LAST_COOL_DOWN_MS = 30_000;
/** Between two tokens that a target's refusals cause: one that refuses every token must not flood the provider. */
const DOUBT_AGAIN_MS = 10_000;

type Period = Readonly<{ obtainedAtMs: number; expiresAtMs: number }>;

/** A clock that went back must not hold anything up until it has caught up. */
const isWithin = (sinceMs: number, ms: number): boolean => sinceMs >= 0 && sinceMs < ms;

export const createTokenSource = (options: TokenSourceOptions): TokenSource => {
  const { cell, now, refreshBeforeMs, events, random } = options;

  const refreshAt = ({ obtainedAtMs, expiresAtMs }: Period): number =>
    expiresAtMs - Math.min(refreshBeforeMs, (expiresAtMs - obtainedAtMs) / 2);

  const isAlive = (token: HeldToken | undefined): token is HeldToken =>
    token !== undefined && now() < token.expiresAtMs;

  const coolingMs = (): number => {
    const sinceMs = now() - cell.failedAtMs;
    return isWithin(sinceMs, cell.coolDownMs) ? cell.coolDownMs - sinceMs : 0;
  };

  const take = (token: HeldToken): void => {
    cell.token = token;
    cell.isDoubted = false;
    cell.failures = 0;
    cell.coolDownMs = 0;
  };

  const fail = (error: unknown): CredentialUnavailable => {
    const growing = Math.min(FIRST_COOL_DOWN_MS * 2 ** cell.failures, LAST_COOL_DOWN_MS);
    const asked = (error instanceof TokenRefused && error.retryAfterMs) || 0;
    cell.failures = Math.min(cell.failures + 1, 10);
    cell.failedAtMs = now();
    // Some jitter, so that replicas that failed together do not ask together.
    cell.coolDownMs = Math.max(asked, growing * (0.75 + random() / 2));
    cell.isDoubted = false;
    events.onRefresh('error', error);
    const reason = error instanceof Error ? error.message : 'unknown reason';
    return new CredentialUnavailable(`no token: ${reason}`, { cause: error, retryAfterMs: Math.ceil(cell.coolDownMs) });
  };

  const fetchNow = async (): Promise<HeldToken> => {
    const before = cell.token;
    const isRenewal = isAlive(before);
    try {
      const { token, by } = await fetchToken({
        ...options,
        isGood: (stored) =>
          stored.accessToken !== before?.text.reveal() && now() < (isRenewal ? refreshAt(stored) : stored.expiresAtMs),
      });
      take(token);
      if (by === 'provider') events.onRefresh('ok');
      else events.onCacheHit();
      return token;
    } catch (error) {
      throw fail(error);
    } finally {
      cell.flight = undefined;
    }
  };

  const refresh = (): Promise<HeldToken> => {
    cell.flight ??= fetchNow();
    return cell.flight;
  };

  /** One that the target refused may still be the best there is: the provider may be away, the refusal may mean the call. */
  const dressAnew = async (): Promise<Dressing> => {
    try {
      return (await refresh()).dressing;
    } catch (error) {
      if (isAlive(cell.token)) return cell.token.dressing;
      throw error;
    }
  };

  return {
    dress() {
      const { token } = cell;
      if (isAlive(token) && !cell.isDoubted) {
        events.onCacheHit();
        if (now() >= refreshAt(token) && cell.flight === undefined && coolingMs() === 0)
          refresh().catch(() => undefined);
        return token.dressing;
      }
      const waitMs = cell.flight === undefined ? coolingMs() : 0;
      if (waitMs === 0) return dressAnew();
      if (isAlive(token)) return token.dressing;
      throw new CredentialUnavailable('no token: the provider failed a moment ago', {
        retryAfterMs: Math.ceil(waitMs),
      });
    },

    renew(used) {
      const { token } = cell;
      // Another call has seen to it already.
      if (!token || token.dressing.headers[1] !== used.headers[1] || cell.isDoubted) return true;
      if (isWithin(now() - cell.doubtedAtMs, DOUBT_AGAIN_MS) || coolingMs() > 0) return false;
      cell.isDoubted = true;
      cell.doubtedAtMs = now();
      return true;
    },
  };
};
