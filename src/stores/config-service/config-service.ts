/** Credentials of a tenant and team from a service over HTTP: asked once at a time, kept briefly. */
import { LRUCache } from 'lru-cache';
import { type Refusal, refuse } from '../../core/refusal.ts';
import type { Secret } from '../../core/secret.ts';
import type { CredentialSource, Credentials } from '../../egress/resolver/credential-source.ts';
import type { Sandbox } from '../../egress/resolver/sandbox.ts';
import type { Outbound } from '../outbound/exchange.ts';
import { readCredentials } from './read-credentials.ts';

export type ConfigServiceOptions = Readonly<{
  /** With `{tenant}` and `{team}`, or else they become parameters of its query. */
  url: string;
  token: Secret | undefined;
  timeoutMs: number;
  cacheTtlMs: number;
  /** How much longer an answer is used while the service fails. */
  staleForMs: number;
  outbound: Outbound;
  now: () => number;
  onLookup?: (result: 'hit' | 'miss') => void;
  /** `stale`: what was kept is used in the place of an answer. */
  onFailure?: (error: unknown, stale: boolean) => void;
}>;

export type ConfigService = Readonly<{
  credentialsOf: CredentialSource;
  /** What went wrong the last time; undefined where it went well. */
  problem(): string | undefined;
  /** Ends questions under way. */
  close(): void;
}>;

type Answer = Credentials | 'unknown';

type Entry = {
  /** Undefined where none ever came. */
  answer: Answer | undefined;
  answeredAtMs: number;
  failedAtMs: number;
  flight: Promise<Answer | Refusal> | undefined;
};

const MAX_BYTES = 256 * 1024;
const MOST_TEAMS = 10_000;
/** Whoever has just been given credentials does not wait for a minute. */
const NEGATIVE_TTL_MS = 10_000;
/** After a failure the service is left in peace for so long. */
const COOLDOWN_MS = 1_000;
/** At this part of its time an answer is asked for anew, while it is still used. */
const REFRESH_AT = 0.8;

const unavailable = (cause: unknown): Refusal =>
  refuse('credentials_unavailable', 'The credentials cannot be fetched now. Try again.', {
    headers: { 'Retry-After': '1' },
    cause,
  });

const unknownTeam = refuse('credential_missing', 'There are no credentials for this tenant and team.');

/** Lengths first, so that no two pairs of names are one key. */
const keyOf = ({ tenant, team }: Sandbox): string => `${tenant.length}:${tenant}${team.length}:${team}`;

export const urlFor = (template: string, { tenant, team }: Sandbox): URL => {
  const isTemplate = template.includes('{tenant}') || template.includes('{team}');
  if (isTemplate) {
    const filled = template.replaceAll(/\{(tenant|team)\}/g, (_place, name) =>
      encodeSegment(name === 'tenant' ? tenant : team),
    );
    return new URL(filled);
  }
  const url = new URL(template);
  url.searchParams.append('tenant', tenant);
  url.searchParams.append('team', team);
  return url;
};

/** A name must not become a step up in the path, which `..` does to a URL even where it is escaped. */
const encodeSegment = (name: string): string => {
  if (/^\.{1,2}$/.test(name)) throw new Error('a tenant or team of dots cannot be a part of a path');
  return encodeURIComponent(name);
};

export const createConfigService = (options: ConfigServiceOptions): ConfigService => {
  const { outbound, now, timeoutMs, cacheTtlMs, staleForMs, onLookup, onFailure } = options;
  const entries = new LRUCache<string, Entry>({ max: MOST_TEAMS });
  const closing = new AbortController();
  let problem: string | undefined;

  const ask = async (sandbox: Sandbox): Promise<Answer> => {
    const { status, body } = await outbound.exchange({
      url: urlFor(options.url, sandbox),
      headers: options.token ? { authorization: `Bearer ${options.token.reveal()}` } : {},
      timeoutMs,
      maxBytes: MAX_BYTES,
      signal: closing.signal,
    });
    if (status === 404) return 'unknown';
    if (status !== 200) throw new Error(`the config service answered ${status}`);
    return readCredentials(body);
  };

  const lifetimeMs = (answer: Answer): number =>
    answer === 'unknown' ? Math.min(cacheTtlMs, NEGATIVE_TTL_MS) : cacheTtlMs;

  /** A clock that went back makes an answer old, not young for ever. */
  const ageMs = ({ answeredAtMs }: Entry): number => {
    const age = now() - answeredAtMs;
    return age < 0 ? Number.POSITIVE_INFINITY : age;
  };

  /** Credentials that were good a moment ago: better than none while the service is down, and only for so long. */
  const staleAnswer = (entry: Entry): Answer | undefined => {
    const { answer } = entry;
    return answer !== undefined && answer !== 'unknown' && ageMs(entry) < lifetimeMs(answer) + staleForMs
      ? answer
      : undefined;
  };

  const fetchInto = async (entry: Entry, sandbox: Sandbox): Promise<Answer | Refusal> => {
    try {
      const answer = await ask(sandbox);
      entry.answer = answer;
      entry.answeredAtMs = now();
      entry.failedAtMs = Number.NEGATIVE_INFINITY;
      problem = undefined;
      return answer;
    } catch (error) {
      entry.failedAtMs = now();
      const stale = staleAnswer(entry);
      if (!closing.signal.aborted) {
        problem = error instanceof Error ? error.message : 'unknown error';
        onFailure?.(error, stale !== undefined);
      }
      return stale ?? unavailable(error);
    } finally {
      entry.flight = undefined;
    }
  };

  const flightOf = (entry: Entry, sandbox: Sandbox): Promise<Answer | Refusal> => {
    entry.flight ??= fetchInto(entry, sandbox);
    return entry.flight;
  };

  const isCooling = ({ failedAtMs }: Entry): boolean => {
    const since = now() - failedAtMs;
    return since >= 0 && since < COOLDOWN_MS;
  };

  const told = (answer: Answer | Refusal): Credentials | Refusal => (answer === 'unknown' ? unknownTeam : answer);

  const entryOf = (key: string): Entry => {
    const known = entries.get(key);
    if (known) return known;
    const entry: Entry = {
      answer: undefined,
      answeredAtMs: Number.NEGATIVE_INFINITY,
      failedAtMs: Number.NEGATIVE_INFINITY,
      flight: undefined,
    };
    entries.set(key, entry);
    return entry;
  };

  return {
    credentialsOf(sandbox) {
      const entry = entryOf(keyOf(sandbox));
      const { answer } = entry;
      if (answer !== undefined) {
        const age = ageMs(entry);
        const lifetime = lifetimeMs(answer);
        if (age < lifetime) {
          onLookup?.('hit');
          // Nobody waits for it, and what it meets is told by `onFailure`.
          if (age > lifetime * REFRESH_AT && !isCooling(entry)) void flightOf(entry, sandbox);
          return told(answer);
        }
      }
      onLookup?.('miss');
      if (isCooling(entry)) return told(staleAnswer(entry) ?? unavailable('it failed a moment ago'));
      return flightOf(entry, sandbox).then(told);
    },

    problem: () => problem,

    close: () => closing.abort(),
  };
};
