/** Gets one token: from a replica that has a good one, or else from the provider, by one replica at a time. */
import { Secret } from '../../core/secret.ts';
import { dressing } from '../credentials/dressing.ts';
import type { AskTokenEndpoint, Grant } from './grant.ts';
import { readTokenAnswer } from './token-answer.ts';
import type { HeldToken, TokenCell } from './token-cell.ts';
import type { StoredToken, TokenShelf } from './token-shelf.ts';

export type FetchTokenOptions = Readonly<{
  cell: TokenCell;
  grant: Grant;
  ask: AskTokenEndpoint;
  shelf: TokenShelf | undefined;
  now: () => number;
  pause: (ms: number) => Promise<void>;
  /** Whether a token that another replica left is good enough. */
  isGood(token: StoredToken): boolean;
}>;

export type Fetched = Readonly<{ token: HeldToken; by: 'provider' | 'replica' }>;

/** Longer than the endpoint has to answer, so that the lock of whoever still asks holds. */
const LOCK_MS = 15_000;
const LOOK_AGAIN_MS = 100;
const KEEP_AGAIN_MS = 5_000;
/** An hour. */
const MOST_TRIES_TO_KEEP = 720;
/** Longer than providers keep refresh tokens that are not used. */
const KEEP_REFRESH_TOKEN_MS = 180 * 24 * 3_600_000;

const toHeld = ({ accessToken, obtainedAtMs, expiresAtMs }: StoredToken): HeldToken => ({
  text: new Secret(accessToken),
  dressing: dressing(['Authorization', `Bearer ${accessToken}`]),
  obtainedAtMs,
  expiresAtMs,
});

/** The later of two refresh tokens is the one that still works. */
const takeRefreshToken = (cell: TokenCell, stored: StoredToken | undefined): void => {
  if (stored?.refreshToken === undefined) return;
  if (cell.refreshToken && cell.refreshToken.obtainedAtMs >= stored.obtainedAtMs) return;
  cell.refreshToken = { text: new Secret(stored.refreshToken), obtainedAtMs: stored.obtainedAtMs };
};

/** Counted from before the question, so that a slow answer makes no token last longer. */
const askProvider = async ({ cell, grant, ask, now }: FetchTokenOptions): Promise<StoredToken> => {
  const obtainedAtMs = now();
  const request = await grant.request(cell.refreshToken?.text.reveal());
  const { origin, pathname } = new URL(request.url);
  const response = await ask(request);
  const given = readTokenAnswer(`${origin}${pathname}`, response, grant.rotates);
  if (given.refreshToken !== undefined) cell.refreshToken = { text: new Secret(given.refreshToken), obtainedAtMs };
  return {
    accessToken: given.accessToken,
    obtainedAtMs,
    expiresAtMs: obtainedAtMs + given.lifetimeMs,
    refreshToken: cell.refreshToken?.text.reveal(),
  };
};

type Locked = Readonly<{ release: (() => Promise<void>) | undefined }>;

/** A good token of another replica, or the right to ask. Whoever holds the lock is waited for, but not for ever. */
const takeTurn = async (options: FetchTokenOptions, shelf: TokenShelf): Promise<StoredToken | Locked> => {
  const look = async (): Promise<StoredToken | undefined> => {
    const stored = await shelf.read();
    takeRefreshToken(options.cell, stored);
    return stored && options.isGood(stored) ? stored : undefined;
  };
  for (let waitedMs = 0; waitedMs <= LOCK_MS; waitedMs += LOOK_AGAIN_MS) {
    const before = await look();
    if (before) return before;
    const release = await shelf.lock(LOCK_MS);
    if (release) {
      // Its last holder may have left one in between.
      const after = await look();
      if (!after) return { release };
      await release();
      return after;
    }
    await options.pause(LOOK_AGAIN_MS);
  }
  return { release: undefined };
};

const keep = async (shelf: TokenShelf, stored: StoredToken, now: number): Promise<void> => {
  const lifetimeMs = Math.max(1, stored.expiresAtMs - now);
  await shelf.write(stored, stored.refreshToken === undefined ? lifetimeMs : KEEP_REFRESH_TOKEN_MS);
};

/** A refresh token that nobody else knows is lost with this process: it is left as soon as the store is back. */
const keepLater = async ({ cell, pause, now }: FetchTokenOptions, shelf: TokenShelf, stored: StoredToken) => {
  for (let tries = 0; tries < MOST_TRIES_TO_KEEP; tries++) {
    await pause(KEEP_AGAIN_MS);
    if (cell.refreshToken?.text.reveal() !== stored.refreshToken) return;
    try {
      const there = await shelf.read();
      if (there === undefined || there.obtainedAtMs < stored.obtainedAtMs) await keep(shelf, stored, now());
      return;
    } catch {
      // Still away.
    }
  }
};

/** Rejects with `TokenRefused`, or with whatever kept the endpoint from answering. */
export const fetchToken = async (options: FetchTokenOptions): Promise<Fetched> => {
  const { shelf, now } = options;
  const turn = shelf && (await takeTurn(options, shelf).catch(() => undefined));
  if (turn && 'accessToken' in turn) return { token: toHeld(turn), by: 'replica' };
  try {
    const stored = await askProvider(options);
    // Nobody waits for a store that is away: it tells of itself.
    if (shelf) {
      await keep(shelf, stored, now()).catch(() => {
        if (stored.refreshToken !== undefined) void keepLater(options, shelf, stored);
      });
    }
    return { token: toHeld(stored), by: 'provider' };
  } finally {
    await turn?.release?.().catch(() => undefined);
  }
};
