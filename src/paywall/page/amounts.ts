/** Amounts and times in words for people. */
import type { Purchase } from '../../core/payment.ts';

const plain = new Intl.NumberFormat('en');
const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** Units are `sat`, `msat`, or a currency in its smallest coins (NUT-01): 50 of `usd` are half a dollar. */
export const amountText = (amount: number, unit: string): string => {
  const currency = unit.toUpperCase();
  if (!currencies.has(currency)) return `${plain.format(amount)} ${unit}`;
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'code' });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(amount / 10 ** digits).replace('\u00a0', ' ');
};

const spans = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

const counted = (count: number, noun: string): string => `${plain.format(count)} ${noun}${count === 1 ? '' : 's'}`;

export const timeText = (timeMs: number): string => {
  const [noun, ms] = spans.find(([, span]) => timeMs % span === 0 && timeMs >= span) ?? ['second', 1_000];
  return counted(Math.ceil(timeMs / ms), noun);
};

/** What a price buys, after "buys". */
export const purchaseText = (buys: Purchase): string => {
  if ('units' in buys) return `${counted(buys.units, 'unit')} of use`;
  return 'timeMs' in buys ? `${timeText(buys.timeMs)} of access` : counted(buys.requests, 'request');
};
