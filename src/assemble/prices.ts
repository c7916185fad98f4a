/** From the price of a rule to what tokens are weighed against. */
import { normalizeMintUrl } from '@cashu/cashu-ts';
import type { RuleConfig } from '../config/config.ts';
import type { Purchase } from '../core/payment.ts';
import type { Offer, Offers } from '../paywall/offer.ts';

export type AcceptedMints = Readonly<{
  mints: readonly Readonly<{ url: string; units: readonly string[] }>[];
  /** Units of every other mint; undefined where no other is accepted. */
  anyMint: readonly string[] | undefined;
}>;

type PriceConfig = NonNullable<RuleConfig['price']>[number];

/** The mints that a price names, or else those that take its unit; none where any mint at all does. */
const takersOf = ({ unit, mints: chosen }: PriceConfig, { mints, anyMint }: AcceptedMints): readonly string[] => {
  if (chosen.length > 0) return chosen.map(normalizeMintUrl);
  return anyMint?.includes(unit) ? [] : mints.filter(({ units }) => units.includes(unit)).map(({ url }) => url);
};

const REPORT_WITHIN_MS = 600_000;

const purchaseOf = ({ requests = 1, time, units, reserve = 1, report_within }: PriceConfig['buys']): Purchase => {
  if (units !== undefined) return { units, reserve, reportWithinMs: report_within ?? REPORT_WITHIN_MS };
  return time === undefined ? { requests } : { timeMs: time };
};

/** Undefined for a rule without a price. */
export const offersOf = ({ price }: RuleConfig, mints: AcceptedMints): Offers | undefined => {
  const [first, ...others] = (price ?? []).map((offer): Offer => {
    const { amount, unit, buys } = offer;
    return { amount, unit, buys: purchaseOf(buys), mints: takersOf(offer, mints) };
  });
  return first && [first, ...others];
};
