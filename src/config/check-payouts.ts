import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';
import { type MergedPayout, mergePayout } from './payouts.ts';

const isLightning = (unit: string): boolean => unit === 'sat' || unit === 'msat';

/** `at` is where it is written; what is not written there itself is pointed at as a whole. */
const checkSettings = (settings: MergedPayout, at: Path, written: object): Finding[] => {
  const { to, folder, above, keep, unit } = settings;
  const placeOf = (key: string): Path => (Object.hasOwn(written, key) ? [...at, key] : at);
  const findings: Finding[] = [];
  if ((to === undefined) === (folder === undefined)) {
    findings.push({ path: at, message: 'either an address or a folder', expected: 'one of to and folder' });
  }
  if (above === undefined) {
    findings.push({ path: at, message: 'no threshold', expected: 'above, here or under cashu.payout' });
  } else if (keep > above) {
    findings.push(
      Object.hasOwn(written, 'keep')
        ? { path: [...at, 'keep'], message: 'more than above', expected: 'above, or less' }
        : { path: placeOf('above'), message: 'less than stays', expected: `${keep} (keep), or more` },
    );
  }
  if (to !== undefined && !isLightning(unit)) {
    const path = placeOf('unit');
    const expected = 'sat or msat';
    findings.push({
      ...{ path, message: 'cannot be paid by Lightning', expected },
      ...(path === at ? { found: unit } : { shows: 'value' as const }),
    });
  }
  return findings;
};

type Mint = Config['cashu']['mints'][number];

const checkOwn = ({ units, payout: own }: Mint, common: Config['cashu']['payout'], at: Path): Finding[] => {
  const settings = own && mergePayout(common, own);
  if (!settings) return [];
  const reads = [['cashu', 'payout']];
  const isServed = units.includes(settings.unit);
  return [
    ...checkSettings(settings, at, own).map((finding) => ({ ...finding, reads })),
    ...(isServed
      ? []
      : [
          {
            path: at,
            message: `this mint does not serve ${settings.unit}`,
            expected: `unit: ${units.join(' or ')}`,
            reads,
          },
        ]),
  ];
};

/** What is said for all mints, and what a mint says for itself, put together. */
export const checkPayouts = ({ mints, payout }: Config['cashu']): Finding[] => [
  ...(payout ? checkSettings(payout, ['cashu', 'payout'], payout) : []),
  ...mints.flatMap((mint, index) => checkOwn(mint, payout, ['cashu', 'mints', index, 'payout'])),
];
