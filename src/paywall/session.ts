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
  createHmac('sha256', Buffer.from(salt, 'base64url')).update(contentOf(token)).digest('base64url');

/** What is stored of a session's id. */
export const hashOfSession = (id: string): string => hash('sha256', id);

export const offerSession = (token: CashuToken, lifetimeMs: number, nowMs: number): SessionOffer => {
  const salt = randomBytes(32).toString('base64url');
  return { idHash: hashOfSession(idOf(token, salt)), salt, expiresAtMs: nowMs + lifetimeMs };
};

export type TellSession = (token: CashuToken, grant: SessionGrant, nowMs: number) => NonNullable<Receipt['session']>;

const FORGOTTEN_AFTER_MS = 1_000;

/** What a grant gives to its payer. Ids are remembered for a second, in which one token may come thousands of times. */
export const createSessionTeller = (): TellSession => {
  let ids: WeakMap<SessionGrant, Secret> | undefined;

  const recentIds = (): WeakMap<SessionGrant, Secret> => {
    if (ids) return ids;
    setTimeout(() => {
      ids = undefined;
    }, FORGOTTEN_AFTER_MS).unref();
    ids = new WeakMap();
    return ids;
  };

  return (token, grant, nowMs) => {
    const recent = recentIds();
    const id = recent.get(grant) ?? new Secret(idOf(token, grant.salt));
    recent.set(grant, id);
    return { id, maxAgeSeconds: Math.ceil((grant.expiresAtMs - nowMs) / 1000) };
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
