/** What is paid out by itself of which mint: what a mint says for itself goes before what is said for all. */
import type { Config } from './config.ts';

type Cashu = Pick<Config['cashu'], 'mints' | 'payout'>;
export type MintPayout = NonNullable<Cashu['mints'][number]['payout']>;
export type PayoutSettings = NonNullable<Cashu['payout']>;

/** Complete but for what nobody has said: how much, and where to. */
export type MergedPayout = Omit<PayoutSettings, 'above'> & Readonly<{ above?: number | undefined }>;

/** As under `cashu.payout`, where that is left out. */
const DEFAULTS = { keep: 0, unit: 'sat', every: 3_600_000 } as const;

/** Undefined where a mint wants none. An address of its own stands in place of the common folder, and the other way round. */
export const mergePayout = (common: Cashu['payout'], own: MintPayout): MergedPayout | undefined => {
  if (!own.enabled) return undefined;
  const { to, folder } = own.to === undefined && own.folder === undefined ? { ...common } : own;
  const otherwise = { ...DEFAULTS, ...common };
  return {
    ...{ to, folder },
    above: own.above ?? common?.above,
    keep: own.keep ?? otherwise.keep,
    unit: own.unit ?? otherwise.unit,
    every: own.every ?? otherwise.every,
  };
};

const complete = (merged: MergedPayout | undefined): PayoutSettings | undefined =>
  merged?.above === undefined ? undefined : { ...merged, above: merged.above };

export type PayoutChoice = Readonly<{
  /** Those that any mint may have, each once. */
  all: readonly PayoutSettings[];
  /** Undefined where nothing is paid out of it. */
  of(mint: string): PayoutSettings | undefined;
}>;

/** `*` speaks for every mint that is not named; what it does not say, the common settings do. */
export const choosePayouts = ({ mints, payout }: Cashu, normalise: (url: string) => string): PayoutChoice => {
  const byMint = new Map(
    mints.map(({ url, payout: own }) => [
      url === '*' ? url : normalise(url),
      own ? complete(mergePayout(payout, own)) : payout,
    ]),
  );
  const others = byMint.has('*') ? byMint.get('*') : payout;
  return {
    all: [...new Set([...byMint.values(), payout])].filter((settings) => settings !== undefined),
    of: (mint) => (byMint.has(mint) ? byMint.get(mint) : others),
  };
};
