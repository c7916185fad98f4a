/**
 * Gives back what is left of an account, as a token of its mint. The account is debited and the refund written in one
 * transaction; one token is made for it and stored, and then shown, as often as it is asked for.
 */
import { randomBytes } from 'node:crypto';
import type { Attempt, Exported } from './export.ts';
import type { ProofStore } from './proof-store.ts';
import type { Refund, RefundAsker, RefundRefused, RefundStore } from './refund-store.ts';
import type { SpendStore } from './spend-store.ts';
import type { Spender } from './spender.ts';

export type Refunded =
  | Readonly<{ refunded: 'token'; refund: Refund; exported: Exported }>
  /** It is written down, and its token will be there. */
  | Readonly<{ refunded: 'waiting'; refund: Refund; reason: string }>
  | Readonly<{ refunded: 'refused'; standing: RefundRefused }>;

export type RefunderOptions = Readonly<{
  refunds: RefundStore;
  proofs: Pick<ProofStore, 'findExport'>;
  spends: Pick<SpendStore, 'find'>;
  spend: Spender;
  attempt: Attempt;
  least: number;
  shownForMs: number;
  now: () => number;
}>;

const MOST_TRIES = 5;

const createId = (): string => `ref_${randomBytes(16).toString('hex')}`;

export const createRefunder = (options: RefunderOptions) => {
  const { refunds, proofs, spends, spend, attempt, least, shownForMs, now } = options;

  const waiting = (refund: Refund, reason: string): Refunded => ({ refunded: 'waiting', refund, reason });

  /** What became of the latest try; undefined where there is to be another. */
  const lookAt = async (refund: Refund): Promise<Refunded | undefined> => {
    const { exportId } = refund;
    if (exportId === undefined) return undefined;
    const isUnderWay = (await spends.find(exportId))?.state === 'prepared';
    const spent = isUnderWay ? await spend(exportId) : undefined;
    const exported = await proofs.findExport(exportId);
    if (exported) return { refunded: 'token', refund, exported };
    if (spent?.spent === 'uncertain') return waiting(refund, spent.reason);
    return spent?.spent === 'busy' ? waiting(refund, 'another process asks the mint') : undefined;
  };

  const makeToken = async (refund: Refund): Promise<Refunded | undefined> => {
    const { mint, unit, amount, exportId } = refund;
    const claim = { refundId: refund.id, before: exportId };
    const outcome = await attempt({ id: createId(), mint, unit, amount, feeFrom: 'token', refund: claim });
    switch (outcome?.outcome) {
      case 'exported':
        return { refunded: 'token', refund, exported: outcome.exported };
      case 'uncertain':
      case 'no-change':
        return waiting(refund, outcome.reason);
      case 'too-little':
      case 'too-many':
        return waiting(refund, `the mint’s proofs that are held do not make ${amount} ${unit}`);
      case 'refused':
      case undefined:
        return undefined;
    }
  };

  const fulfil = async (id: string): Promise<Refunded> => {
    for (let tries = 1; ; tries++) {
      const refund = await refunds.find(id);
      if (!refund) throw new Error(`there is no refund ${id}`);
      const refunded = (await lookAt(refund)) ?? (await makeToken(refund));
      if (refunded) return refunded;
      if (tries === MOST_TRIES) return waiting(refund, 'the mint refuses, or others take out what is held');
    }
  };

  /** Throws where the store does not answer. */
  return async (asker: RefundAsker): Promise<Refunded> => {
    const nowMs = now();
    const standing = await refunds.request({ id: createId(), asker, least, nowMs, shownSinceMs: nowMs - shownForMs });
    return standing.refund === 'due' ? fulfil(standing.due.id) : { refunded: 'refused', standing };
  };
};

export type Refunder = ReturnType<typeof createRefunder>;
