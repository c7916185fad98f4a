/** The charge of a priced rule: a token becomes credit exactly once, and each request is debited from it. */
import type { Identity } from '../core/identity.ts';
import type { CashuToken, Price, Receipt } from '../core/payment.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { Charge, Intent } from '../core/rule.ts';
import type { Challenge } from './challenge.ts';
import { claimsOf, paymentIdOf } from './claim.ts';
import type { Ledger, PreparedPayment, Standing } from './ledger.ts';
import type { Mint } from './mint.ts';
import { prepareSwap } from './outputs.ts';
import type { Settle } from './settlement.ts';
import { type Worth, worthOf } from './worth.ts';

export type ChargeOptions = Readonly<{
  rule: string;
  price: Price;
  challenge: Challenge;
  ledger: Ledger;
  mintOf: (url: string) => Mint | undefined;
  settle: Settle;
  now: () => number;
}>;

const uncertain = refuse(
  'payment_uncertain',
  'The mint has not confirmed the token yet. It is not lost: send the same token again, no other.',
  { headers: { 'Retry-After': '2' } },
);

const unreachable = (cause: unknown): Refusal =>
  refuse('payment_uncertain', 'The mint cannot be reached. The token was not touched: send it again.', {
    headers: { 'Retry-After': '5' },
    cause,
  });

const storeFailed = (cause: unknown): Refusal =>
  refuse('store_unavailable', 'Payments cannot be taken now. The token was not lost: send it again.', {
    headers: { 'Retry-After': '5' },
    cause,
  });

export const createCharge = (options: ChargeOptions): Charge => {
  const { rule, price, challenge, ledger, mintOf, settle, now } = options;

  const tooLittle = (token: CashuToken, worth: Worth): Refusal | undefined => {
    if (token.unit !== price.unit)
      return refuse('wrong_unit', `The price is in ${price.unit}, the token in ${token.unit}.`);
    if (worth.net > 0 && worth.credit >= price.amount) return undefined;
    const fee = worth.credit === token.amount ? '' : `, ${worth.credit} after the mint’s fee`;
    return challenge('insufficient_payment', `The token is worth ${token.amount} ${token.unit}${fee}.`);
  };

  const draw = async (
    token: CashuToken,
    mint: Mint,
    worth: Worth,
    claims: readonly string[],
  ): Promise<PreparedPayment> => {
    const swap = prepareSwap(token.proofs, worth.net, await mint.activeKeys(token.unit));
    return {
      id: paymentIdOf(claims),
      mint: token.mint,
      unit: token.unit,
      amount: token.amount,
      fee: worth.fee,
      credit: worth.credit,
      swapBody: swap.body,
      outputs: swap.outputs,
      rule,
      createdAtMs: now(),
    };
  };

  /** Steps 0 and 1. Gives the refusal, or undefined once the payment is written, by us or by another. */
  const prepare = async (
    token: CashuToken,
    claims: readonly string[],
    intent: Intent,
  ): Promise<Refusal | undefined> => {
    const mint = mintOf(token.mint);
    if (!mint) return refuse('wrong_mint', 'The token’s mint is not accepted.');
    const refusal = tooLittle(token, worthOf(token, mint.keysets()));
    if (refusal || intent === 'preview') return refusal;
    let payment: PreparedPayment;
    try {
      payment = await draw(token, mint, worthOf(token, mint.keysets()), claims);
    } catch (error) {
      return unreachable(error);
    }
    await ledger.prepare(payment, claims);
    return undefined;
  };

  const conclude = (standing: Standing): Receipt | Refusal => {
    switch (standing.standing) {
      case 'debited':
        return { paymentId: standing.paymentId, amount: price.amount, unit: price.unit, balance: standing.balance };
      case 'exhausted':
        return challenge(
          'credit_exhausted',
          `What this token paid for is used up; ${standing.balance} ${price.unit} are left.`,
        );
      case 'rejected':
        return refuse(standing.rejection.code, standing.rejection.detail);
      case 'overlap':
        return refuse(
          'payment_overlap',
          'A part of this token belongs to another payment. Send the token that was sent then.',
        );
      case 'prepared':
      case 'unknown':
        return uncertain;
    }
  };

  const present = (claims: readonly string[], intent: Intent): Promise<Standing> =>
    ledger.present(claims, { rule, ...price, nowMs: now() }, intent === 'enforce');

  const open = async (token: CashuToken, intent: Intent): Promise<Receipt | Refusal | undefined> => {
    const claims = claimsOf(token);
    let standing = await present(claims, intent);
    if (standing.standing === 'unknown') {
      const refusal = await prepare(token, claims, intent);
      if (refusal || intent === 'preview') return refusal;
      standing = await present(claims, intent);
    }
    if (standing.standing === 'prepared' && intent === 'enforce') {
      await settle(standing.payment);
      standing = await present(claims, intent);
    }
    return conclude(standing);
  };

  return async (_request, identity: Identity, intent) => {
    if (identity.method !== 'cashu') return undefined;
    try {
      return await open(identity.token, intent);
    } catch (error) {
      return storeFailed(error);
    }
  };
};
