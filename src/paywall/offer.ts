/** What a rule costs: one price, or a choice of prices in several units and at several mints. */
import type { CashuToken, Price } from '../core/payment.ts';
import { type Refusal, refuse } from '../core/refusal.ts';

/** A price, and the mints whose tokens pay it, by normalised URL; none are named where any does that takes the unit. */
export type Offer = Price & Readonly<{ mints: readonly string[] }>;

/** No two of them fit the same token. The first is the one that `X-Cashu` asks for. */
export type Offers = readonly [Offer, ...Offer[]];

type Origin = Pick<CashuToken, 'mint' | 'unit'>;

const inWords = (choices: readonly string[]): string => [...new Set(choices)].join(' or ');

/** The one offer that a token can meet, whatever it is worth. */
export const offerFor = <T extends Offer>(offers: readonly T[], { mint, unit }: Origin): T | Refusal => {
  const inUnit = offers.filter((offer) => offer.unit === unit);
  const found = inUnit.find(({ mints }) => mints.length === 0 || mints.includes(mint));
  if (found) return found;
  if (inUnit.length === 0) {
    const prices = inWords(offers.map((offer) => `${offer.amount} ${offer.unit}`));
    return refuse('wrong_unit', `The token is in ${unit}. Expected ${prices}.`);
  }
  const mints = inWords(inUnit.flatMap((offer) => offer.mints));
  return refuse('wrong_mint', `The token’s mint is not taken for ${unit} here. Expected ${mints}.`);
};
