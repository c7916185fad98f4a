/**
 * A ledger that can recall what it was asked a moment ago: open sessions, and time that runs. Neither is used up by a
 * request, so that what is recalled lets nobody have more than was paid for; what is counted is taken from the ledger each
 * time. A session that is ended here is forgotten at once. What another process did is seen within a second.
 */
import { LRUCache } from 'lru-cache';
import type { FoundSession } from '../core/payment.ts';
import type { Debit, Debited, Ledger, Presentation, SessionGrant, Standing } from './ledger.ts';

export const RECALLED_FOR_MS = 1_000;

export type OpenSession = Extract<FoundSession, { session: 'open' }>;

export type RecentLedger = Ledger &
  Readonly<{
    /** One object for as long as it is recalled, as the others are; undefined where the ledger is to be asked. */
    recallSession(idHash: string, nowMs: number): OpenSession | undefined;
    /** Time that runs on an account for what is asked. */
    recallTime(accountId: string, debit: Debit): Debited | undefined;
    /** The same by a payment that has an open session, with that session. */
    recallTimeOf(paymentId: string, debit: Debit): Debited | undefined;
  }>;

/** Sessions, payments and accounts each: some 300 bytes. */
const MOST_RECALLED = 10_000;
/** What an account bought for raised prices is one purchase for each price. */
const MOST_TIMES = 16;

type Grant = Readonly<{ accountId: string; session: SessionGrant }>;
type Read<T> = Readonly<{ what: T; readAtMs: number; endsAtMs: number }>;
type Running = Debited & Required<Pick<Debited, 'runsUntilMs'>>;

/** A pod that is not there yet may be there, or be given back, at any moment. */
const isRunning = (standing: Standing): standing is Running =>
  standing.standing === 'debited' && standing.runsUntilMs !== undefined && standing.pod?.stage !== 'wanted';

/** A clock that went back makes nothing last for longer. */
const ifFresh = <T>(read: Read<T> | undefined, nowMs: number): T | undefined => {
  if (read === undefined || nowMs < read.readAtMs || nowMs >= read.endsAtMs) return undefined;
  return nowMs - read.readAtMs < RECALLED_FOR_MS ? read.what : undefined;
};

export const createRecentLedger = (ledger: Ledger, max = MOST_RECALLED): RecentLedger => {
  const sessions = new LRUCache<string, Read<OpenSession>>({ max });
  const grants = new LRUCache<string, Read<Grant>>({ max });
  /** By account and purchase. */
  const times = new LRUCache<string, Map<string, Read<Running>>>({ max });
  /** Counts revocations, so that what was read before one is not noted after it. */
  let revocations = 0;

  const noteSession = (idHash: string, found: FoundSession, readAtMs: number): void => {
    if (found.session === 'open') sessions.set(idHash, { what: found, readAtMs, endsAtMs: found.expiresAtMs });
    else sessions.delete(idHash);
  };

  const noteStanding = (standing: Standing, { rule, nowMs: readAtMs }: Debit): void => {
    if (!isRunning(standing)) {
      // What is left has changed.
      if (standing.standing === 'debited') times.delete(standing.paymentId);
      return;
    }
    const { session, ...time } = standing;
    const ofAccount = times.get(time.paymentId) ?? new Map<string, Read<Running>>();
    if (ofAccount.size >= MOST_TIMES) ofAccount.clear();
    ofAccount.set(rule, { what: time, readAtMs, endsAtMs: time.runsUntilMs });
    times.set(time.paymentId, ofAccount);
  };

  const noteGrant = (paymentId: string, standing: Standing, readAtMs: number): void => {
    if (!isRunning(standing) || standing.session === undefined) return;
    const { paymentId: accountId, session } = standing;
    grants.set(paymentId, { what: { accountId, session }, readAtMs, endsAtMs: session.expiresAtMs });
  };

  /** `before`: the count of revocations when it was asked. */
  const notePresented = (
    { claims, debit }: Pick<Presentation, 'claims' | 'debit'>,
    standing: Standing,
    before: number,
  ): void => {
    noteStanding(standing, debit);
    if (revocations === before) noteGrant(claims.paymentId, standing, debit.nowMs);
  };

  const forgetSessionsOf = (accountId: string): void => {
    revocations += 1;
    for (const [idHash, { what }] of sessions.entries()) if (what.account.id === accountId) sessions.delete(idHash);
    for (const [paymentId, { what }] of grants.entries()) if (what.accountId === accountId) grants.delete(paymentId);
  };

  const recallTime = (accountId: string, { rule, buys, nowMs }: Debit): Debited | undefined =>
    'timeMs' in buys ? ifFresh(times.get(accountId)?.get(rule), nowMs) : undefined;

  return {
    ...ledger,

    recallSession: (idHash, nowMs) => ifFresh(sessions.get(idHash), nowMs),
    recallTime,

    recallTimeOf(paymentId, debit) {
      const grant = ifFresh(grants.get(paymentId), debit.nowMs);
      const time = grant && recallTime(grant.accountId, debit);
      return time && { ...time, session: grant.session };
    },

    async findSession(idHash, nowMs) {
      const before = revocations;
      const found = await ledger.findSession(idHash, nowMs);
      if (revocations === before) noteSession(idHash, found, nowMs);
      return found;
    },

    async present(claims, debit, commit, offer) {
      const before = revocations;
      const standing = await ledger.present(claims, debit, commit, offer);
      notePresented({ claims, debit }, standing, before);
      return standing;
    },

    async settle(paymentId, swapNumber, signatures, nowMs, presented) {
      const before = revocations;
      const standing = await ledger.settle(paymentId, swapNumber, signatures, nowMs, presented);
      if (presented && standing) notePresented(presented, standing, before);
      return standing;
    },

    async draw(accountId, debit, commit) {
      const standing = await ledger.draw(accountId, debit, commit);
      noteStanding(standing, debit);
      return standing;
    },

    async reportUse(useId, units, nowMs) {
      const report = await ledger.reportUse(useId, units, nowMs);
      if (report.report === 'written') times.delete(report.paymentId);
      return report;
    },

    async revokeSessions(paymentId, nowMs) {
      let accountId = paymentId;
      try {
        const revoked = await ledger.revokeSessions(paymentId, nowMs);
        if (revoked) accountId = revoked.accountId;
        return revoked;
      } finally {
        forgetSessionsOf(accountId);
      }
    },
  };
};
