/** Steps 0 and 1 for a token that is seen for the first time: examined without asking anybody, then written down. */
import type { Account, CashuToken } from '../core/payment.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { Curve } from './curve/operations.ts';
import type { Claims, Debit, Ledger, PreparedPayment } from './ledger.ts';
import type { Mint } from './mint.ts';
import { prepareSwap } from './outputs.ts';
import { malformed } from './proof.ts';
import type { Write } from './redeem.ts';
import type { Unlock } from './unlock.ts';
import { type Worth, worthOf } from './worth.ts';

/** The mint could not be asked for what is needed before a payment can be written down. */
export class MintUnreachable extends Error {
  override name = 'MintUnreachable';
}

export type PreparerOptions = Readonly<{
  rule: string;
  ledger: Ledger;
  mintOf: (url: string) => Mint | undefined;
  curve: Curve;
  unlock: Unlock;
  now: () => number;
}>;

/** A token that is seen for the first time, and what it is to add to. */
export type Candidate = Readonly<{
  token: CashuToken;
  claims: Claims;
  /** Left out where it is to open one of its own. */
  account?: Account | undefined;
  /** What it is to pay for. */
  wants: Debit;
}>;

/** Says whether a token is worth too little. */
export type Weigh = (token: CashuToken, worth: Worth, left: number | undefined) => Refusal | undefined;

export const createPreparer = ({ rule, ledger, mintOf, curve, unlock, now }: PreparerOptions) => {
  const draw = async (token: CashuToken, mint: Mint) => {
    try {
      const keys = await mint.activeKeys(token.unit);
      return await prepareSwap(curve, await unlock(token.proofs), worthOf(token, mint.keysets()), keys);
    } catch (cause) {
      throw new MintUnreachable('nothing can be drawn at the mint', { cause });
    }
  };

  const writer =
    (mint: Mint, { token, claims, account, wants }: Candidate): Write =>
    async ({ holder, leaseMs }) => {
      const swap = await draw(token, mint);
      const { mint: url, unit, amount } = token;
      const nowMs = now();
      const about = { id: claims.paymentId, mint: url, unit, amount, rule, createdAtMs: nowMs };
      const lease = { holder, untilMs: nowMs + leaseMs };
      const written = await ledger.prepare({ ...about, swap, accountId: account?.id, wants }, claims, lease);
      if (typeof written === 'object') return written;
      if (written !== 'leased') return undefined;
      const payment: PreparedPayment = { ...about, swap: { ...swap, number: 1 }, earlier: [] };
      return { lease: 'taken', payment, tries: 0, unansweredAtMs: undefined };
    };

  return async (candidate: Candidate, weigh: Weigh): Promise<Write | Refusal> => {
    const { token, account } = candidate;
    const mint = mintOf(token.mint);
    if (!mint) return refuse('wrong_mint', 'The token’s mint is not accepted.');
    const arePoints = await Promise.all(token.proofs.map(({ C }) => curve.isPoint(C)));
    if (arePoints.includes(false)) return malformed('a signature is not a point of the curve');
    const left = account && (await ledger.balanceOf(account.id));
    return weigh(token, worthOf(token, mint.keysets()), left) ?? writer(mint, candidate);
  };
};
