import type { Config, RuleConfig } from './config.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';

type Offer = NonNullable<RuleConfig['price']>[number];

type Place = Readonly<{ at: Path; reads: readonly Path[] }>;

const checkUnit = ({ unit }: Offer, { at, reads }: Place, { cashu }: Config): Finding[] =>
  cashu.mints.some(({ units }) => units.includes(unit))
    ? []
    : [
        {
          path: [...at, 'unit'],
          message: 'no mint serves this unit',
          shows: 'value',
          hint: 'add it to the units of a mint',
          reads,
        },
      ];

const checkMints = ({ unit, mints }: Offer, { at, reads }: Place, { cashu }: Config): Finding[] =>
  mints.flatMap((url, index): Finding[] => {
    const mint = cashu.mints.find((known) => known.url === url) ?? cashu.mints.find((known) => known.url === '*');
    if (mint?.units.includes(unit)) return [];
    const message = mint ? `this mint does not serve ${unit}` : 'no mint of this URL under cashu.mints';
    return [{ path: [...at, 'mints', index], message, shows: 'value', reads }];
  });

const overlap = (one: Offer, other: Offer): boolean =>
  one.unit === other.unit &&
  (one.mints.length === 0 || other.mints.length === 0 || one.mints.some((url) => other.mints.includes(url)));

const checkChoice = (offers: readonly Offer[], offer: Offer, { at }: Place): Finding[] => {
  const before = offers.slice(0, offers.indexOf(offer)).findIndex((other) => overlap(other, offer));
  if (before < 0) return [];
  return [
    {
      path: at,
      message: `a token in ${offer.unit} could be weighed against this price or against`,
      refersTo: [...at.slice(0, -1), before],
      expected: 'another unit, or mints that the other price does not have',
    },
  ];
};

const checkBuys = ({ buys }: Offer, { at }: Place): Finding[] => {
  const path = [...at, 'buys'];
  const { requests, time, units, reserve, report_within } = buys;
  if ([requests, time, units].filter((bought) => bought !== undefined).length !== 1) {
    return [{ path, message: 'not exactly one thing', expected: 'one of requests, time, units' }];
  }
  if (units === undefined && (reserve ?? report_within) !== undefined) {
    const message = 'reserve and report_within say how units are reported';
    return [{ path, message, expected: 'units beside them' }];
  }
  if (units === undefined || reserve === undefined || reserve <= units) return [];
  const message = 'more than one payment buys';
  return [{ path: [...path, 'reserve'], message, shows: 'value', expected: `${units} or less` }];
};

/** The prices of a rule that accepts cashu. `rule` is where it stands. */
export const checkPrices = (offers: readonly Offer[], rule: Path, config: Config): Finding[] =>
  offers.flatMap((offer, index) => {
    const place = { at: [...rule, 'price', index], reads: [['cashu'], rule] };
    return [
      ...checkUnit(offer, place, config),
      ...checkMints(offer, place, config),
      ...checkChoice(offers, offer, place),
      ...checkBuys(offer, place),
    ];
  });
