/** Sessions: what opens an account in the place of the token that paid for it. */
import { createHmac, hash, randomBytes } from 'node:crypto';
import type { Eventually } from '../core/eventually.ts';
import type { CashuToken, FoundSession, Receipt } from '../core/payment.ts';
import { Secret } from '../core/secret.ts';
import { contentOf } from './claim.ts';
import type { Ledger, SessionGrant, SessionOffer } from './ledger.ts';
import type { RecentLedger } from './recent-ledger.ts';

/** 256 bits that need both the token, which the mint has seen, and the salt, which only the ledger has. */
const idOf = (token: CashuToken, salt: string): string =>
  createHmac('sha256', salt, { encoding: 'base64url' }).update(contentOf(token)).digest('base64url');

/** What is stored of a session's id. */
export const hashOfSession = (id: string): string => hash('sha256', id);

export type Sessions = Readonly<{
  offer(token: CashuToken, lifetimeMs: number, nowMs: number): SessionOffer;
  /** What a grant gives to its payer. */
  tell(token: CashuToken, grant: SessionGrant, nowMs: number): NonNullable<Receipt['session']>;
}>;

const FORGOTTEN_AFTER_MS = 1_000;
const MOST_REMEMBERED = 10_000;

/**
 * Ids are remembered for a second, by their salts: what is offered is mostly what is told, and one token may come thousands of
 * times.
 */
export const createSessions = (): Sessions => {
  let ids: Map<string, Secret> | undefined;

  const recentIds = (): Map<string, Secret> => {
    if (ids && ids.size < MOST_REMEMBERED) return ids;
    if (!ids) {
      setTimeout(() => {
        ids = undefined;
      }, FORGOTTEN_AFTER_MS).unref();
    }
    ids = new Map();
    return ids;
  };

  const recentIdOf = (token: CashuToken, salt: string): Secret => {
    const recent = recentIds();
    const id = recent.get(salt) ?? new Secret(idOf(token, salt));
    recent.set(salt, id);
    return id;
  };

  return {
    offer(token, lifetimeMs, nowMs) {
      const salt = randomBytes(32).toString('base64url');
      const id = recentIdOf(token, salt);
      return { idHash: hashOfSession(id.reveal()), salt, expiresAtMs: nowMs + lifetimeMs };
    },

    tell: (token, { salt, expiresAtMs }, nowMs) => ({
      id: recentIdOf(token, salt),
      maxAgeSeconds: Math.ceil((expiresAtMs - nowMs) / 1000),
    }),
  };
};

export const createSessionFinder =
  (ledger: Pick<RecentLedger, 'recallSession' | 'findSession'>, now: () => number, digest = hashOfSession) =>
  (id: string): Eventually<FoundSession> => {
    const [idHash, nowMs] = [digest(id), now()];
    return ledger.recallSession(idHash, nowMs) ?? ledger.findSession(idHash, nowMs);
  };

/** Ends a session, and with it every other of the same account. One that is not open is left as it is. */
export const createSessionEnd =
  (ledger: Pick<Ledger, 'findSession' | 'revokeSessions'>, now: () => number) =>
  async (id: string): Promise<void> => {
    const found = await ledger.findSession(hashOfSession(id), now());
    if (found.session === 'open') await ledger.revokeSessions(found.account.id, now());
  };
