/** What a configuration is once the defaults that depend on other blocks are in place. */
import type { Parsed } from './schema/config.ts';

export type Rule = Parsed['rules'][number];

export type Offer = NonNullable<Rule['price']>[number];

export type PricedRule = Omit<Rule, 'price'> & {
  price?: (Omit<Offer, 'buys'> & { buys: NonNullable<Offer['buys']> })[];
};

/** Every price says what it buys, and every rule which pods it starts, if any. */
export type Completed = Omit<Parsed, 'rules'> & { rules: PricedRule[] };
