/**
 * Pays by Lightning out of what is held (NUT-05). Invoice, quote, proofs and blank outputs for the change are written down before
 * the mint is told to pay; an invoice is melted once, and one payment at a time is under way for each payee.
 */
import type { Curve } from '../curve/operations.ts';
import type { Mint } from '../mint.ts';
import { blanksFor, drawSwap } from '../outputs.ts';
import { chooseInputs } from './change.ts';
import { type AskInvoice, type Invoice, type LightningMint, readInvoice, readLightningAddress } from './lightning.ts';
import { toProof } from './own-token.ts';
import type { ProofStore } from './proof-store.ts';
import type { Spend, SpendRecord, SpendStore } from './spend-store.ts';
import type { Spender } from './spender.ts';

export type MeltOrder = Readonly<{
  mint: string;
  unit: string;
  amount: number;
  /** A BOLT 11 invoice of that amount, or a Lightning address. */
  to: string;
  /** The most that may be kept for the way. */
  maxFee: number;
  /** Nothing is paid where less than this is held: another has taken some since. */
  heldAtLeast?: number;
}>;

export type MeltResult =
  | Readonly<{ melted: 'paid'; record: SpendRecord }>
  /** The invoice is paid already, or a payment to the same payee is under way. */
  | Readonly<{ melted: 'before'; record: SpendRecord }>
  /** Nothing was sent, or the mint says that it did not pay; all is held as before. */
  | Readonly<{ melted: 'refused'; reason: string }>
  /** The mint has not said for certain whether it has paid. */
  | Readonly<{ melted: 'uncertain'; id: string; reason: string }>;

export type MelterOptions = Readonly<{
  proofs: Pick<ProofStore, 'unspent' | 'find'>;
  spends: Pick<SpendStore, 'prepare' | 'find' | 'findMelt'>;
  spend: Spender;
  mintAt: (url: string) => Mint;
  lightningOf: (url: string) => LightningMint;
  askInvoice: AskInvoice;
  curve: Curve;
  createId: () => string;
  now: () => number;
}>;

const MOST_PROOFS = 500;

const msatIn = { sat: 1_000, msat: 1 } as const;

const isLightningUnit = (unit: string): unit is keyof typeof msatIn => unit in msatIn;

type Found = Readonly<{ invoice: Invoice; payee: string }>;
type Draft = Readonly<{ spend: Spend; proofIds: readonly string[]; found: Found }>;

export const createMelter = (options: MelterOptions) => {
  const { proofs, spends, spend, mintAt, lightningOf, askInvoice, curve, createId, now } = options;

  const findInvoice = async ({ to, amount, unit }: MeltOrder): Promise<Found | SpendRecord> => {
    if (!isLightningUnit(unit)) throw new Error(`${unit} cannot be paid by Lightning; expected sat or msat`);
    const amountMsat = amount * msatIn[unit];
    const given = readInvoice(to);
    const payee = given?.text ?? readLightningAddress(to);
    if (payee === undefined) throw new Error('the payee is neither an invoice with an amount nor a Lightning address');
    const before = await spends.findMelt(payee, payee);
    if (before) return before;
    const invoice = given ?? (await askInvoice(payee, amountMsat));
    if (invoice.amountMsat === amountMsat) return { invoice, payee };
    throw new Error(`the invoice is of ${invoice.amountMsat} msat, and ${amountMsat} were to be paid`);
  };

  /** Everything that can be asked before anything is written. */
  const draft = async (order: MeltOrder): Promise<Draft | SpendRecord> => {
    const { mint: url, unit, amount, maxFee } = order;
    const found = await findInvoice(order);
    if ('state' in found) return found;
    const { invoice, payee } = found;
    const quote = await lightningOf(url).quote(invoice.text, unit);
    if (quote.amount !== amount) throw new Error(`the mint wants ${quote.amount} ${unit} for an invoice of ${amount}`);
    if (quote.feeReserve > maxFee) {
      throw new Error(`the mint wants up to ${quote.feeReserve} ${unit} for the way, and ${maxFee} are allowed`);
    }
    const mint = mintAt(url);
    const keyset = await mint.activeKeys(unit);
    const needed = amount + quote.feeReserve;
    const held = await proofs.unspent(url, unit);
    const { coins, worth } = chooseInputs(held, needed, mint.keysets(), MOST_PROOFS);
    if (worth < needed) throw new Error(`${needed} ${unit} are needed with the fee, and ${worth} can be had`);
    const proofIds = coins.map(({ id }) => id);
    const inputs = (await proofs.find(proofIds)).map(toProof);
    const { body, outputs } = await drawSwap(curve, inputs, blanksFor(worth - amount), keyset.id);
    const melt = { quoteId: quote.id, invoice: invoice.text, payee };
    const common = { id: createId(), kind: 'melt', mint: url, unit, amount, sent: 0, createdAtMs: now() } as const;
    const quoted = JSON.stringify({ quote: quote.id, ...JSON.parse(body) });
    const { heldAtLeast } = order;
    return { spend: { ...common, body: quoted, outputs, melt, heldAtLeast }, proofIds, found };
  };

  const carryOut = async (id: string): Promise<MeltResult> => {
    const spent = await spend(id);
    const record = await spends.find(id);
    if (record?.state === 'settled') return { melted: 'paid', record };
    if (record?.state === 'failed') return { melted: 'refused', reason: record.failure ?? 'the mint did not pay' };
    const reason = spent.spent === 'uncertain' ? spent.reason : 'another process asks the mint';
    return { melted: 'uncertain', id, reason };
  };

  /** Throws where the store does not answer: whether anything was written is not known then. */
  return async (order: MeltOrder): Promise<MeltResult> => {
    let drafted: Draft | SpendRecord;
    try {
      drafted = await draft(order);
    } catch (error) {
      return { melted: 'refused', reason: error instanceof Error ? error.message : String(error) };
    }
    if ('state' in drafted) return { melted: 'before', record: drafted };
    const { spend: drawn, proofIds, found } = drafted;
    if (await spends.prepare(drawn, proofIds)) return carryOut(drawn.id);
    const before = await spends.findMelt(found.invoice.text, found.payee);
    if (before) return { melted: 'before', record: before };
    return { melted: 'refused', reason: 'others take money out at the same time: nothing was sent, try again' };
  };
};
