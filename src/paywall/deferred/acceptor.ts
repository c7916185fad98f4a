/**
 * Takes a token without asking its mint: only we can spend it until long after it will have been swapped, and the mint has
 * proven (NUT-12) that it signed it. What is missing for that is no reason to refuse it: then the mint is asked.
 */
import type { CashuToken } from '../../core/payment.ts';
import { type Refusal, refuse } from '../../core/refusal.ts';
import type { Curve, HandedOn } from '../curve/operations.ts';
import type { Claims, Debit, NewPayment, SessionOffer, Standing } from '../ledger.ts';
import type { Keyset, Mint } from '../mint.ts';
import { worthOf } from '../worth.ts';
import { inputsOnly, MOST_PROOFS } from './batch.ts';
import type { DeferredLedger } from './deferred-ledger.ts';

export type AcceptorOptions = Readonly<{
  deferred: Pick<DeferredLedger, 'accept'>;
  mintOf: (url: string) => Mint | undefined;
  curve: Pick<Curve, 'areProven'>;
  /** Most that may be unsettled; undefined where the mint is always asked. */
  capOf: (mint: string, unit: string) => number | undefined;
  /** By then it is swapped, whatever happens. */
  settleWithinMs: number;
  now: () => number;
  /** Told once of every payment that was accepted here. */
  onAccepted(payment: NewPayment): void;
}>;

export type Order = Readonly<{
  token: CashuToken;
  claims: Claims;
  rule: string;
  /** Where the credit is added to; left out where it opens an account of its own. */
  accountId?: string | undefined;
  debit: Debit;
  /** Without it, it is told what would be debited, and the session is granted all the same. */
  commit: boolean;
  offer: SessionOffer;
}>;

/** Undefined, and nothing done, where the mint has to be asked. The token was weighed before. */
export type Accept = (order: Order) => Promise<Standing | Refusal | undefined>;

const forged = refuse('payment_rejected', 'The token’s proofs (NUT-12) do not show that the mint signed it.');

export const createAcceptor = (options: AcceptorOptions): Accept => {
  const { deferred, mintOf, curve, capOf, settleWithinMs, now } = options;

  const outlasts = ({ active, finalExpiry }: Keyset, untilMs: number): boolean =>
    active && (finalExpiry === undefined || finalExpiry * 1_000 >= untilMs);

  const isSafe = ({ proofs }: CashuToken, mint: Mint): boolean => {
    const untilMs = now() + settleWithinMs;
    const lasting = new Set(mint.keysets().flatMap((keyset) => (outlasts(keyset, untilMs) ? [keyset.id] : [])));
    return (
      proofs.length <= MOST_PROOFS &&
      proofs.every(({ id, lock, dleq }) => lasting.has(id) && dleq && lock && lock.untilMs >= untilMs)
    );
  };

  /** Undefined where the mint's keys cannot be had, or it has none for an amount. */
  const withKeys = async ({ proofs }: CashuToken, mint: Mint): Promise<readonly HandedOn[] | undefined> => {
    const ids = [...new Set(proofs.map(({ id }) => id))];
    const keysets = await Promise.all(ids.map((id) => mint.keys(id))).catch(() => []);
    const handedOn = proofs.flatMap(({ id, amount, secret, C, dleq }) => {
      const publicKey = keysets.find((keyset) => keyset.id === id)?.keys[amount];
      return publicKey && dleq ? [{ secret, C, dleq, publicKey }] : [];
    });
    return handedOn.length === proofs.length ? handedOn : undefined;
  };

  return async ({ token, claims, rule, accountId, debit, commit, offer }) => {
    const [mint, cap] = [mintOf(token.mint), capOf(token.mint, token.unit)];
    if (!mint || cap === undefined || token.amount > cap || !isSafe(token, mint)) return undefined;
    const handedOn = await withKeys(token, mint);
    if (!handedOn) return undefined;
    if (!(await curve.areProven(handedOn))) return forged;
    const { fee, credit } = worthOf(token, mint.keysets());
    const { mint: url, unit, amount, proofs } = token;
    const swap = { fee, credit, body: inputsOnly(proofs), outputs: '[]' };
    const payment = { id: claims.paymentId, mint: url, unit, amount, rule, createdAtMs: now(), swap, accountId };
    const accepted = await deferred.accept({ payment, claims, proofs: proofs.length, cap }, debit, commit, offer);
    if (accepted?.isNew) options.onAccepted(payment);
    return accepted?.standing;
  };
};
