import { canonicalHeader } from '../core/header-names.ts';
import { checkPrices } from './check-prices.ts';
import { checkRoutes } from './check-routes.ts';
import type { Config, RuleConfig } from './config.ts';
import type { Finding } from './finding.ts';
import { nearest } from './nearest.ts';
import type { Path } from './path.ts';
import { repeated } from './repeated.ts';

type RuleCheck = (rule: RuleConfig, at: Path, config: Config) => Finding[];

/** Everything about rules that needs more than one key to see. */
export const checkRules = (config: Config): Finding[] => [
  ...repeated(
    config.rules.map(({ name }, index) => ({ word: name, path: ['rules', index, 'name'] })),
    'name',
  ),
  ...checkRoutes(config),
  ...config.rules.flatMap((rule, index) => perRule.flatMap((check) => check(rule, ['rules', index], config))),
];

const checkAccept: RuleCheck = (rule, at) =>
  repeated(
    rule.accept.map((word, index) => ({ word, path: [...at, 'accept', index] })),
    'credential',
  );

const checkJwt: RuleCheck = ({ accept }, at, { jwt }) =>
  accept.includes('jwt') && jwt.issuers.length === 0
    ? [
        {
          path: [...at, 'accept'],
          message: 'accepts jwt, but nobody may issue one',
          hint: 'name an issuer under jwt.issuers',
          reads: [['jwt']],
        },
      ]
    : [];

const checkIssuers: RuleCheck = ({ accept, require }, at, { jwt }) => {
  const known = jwt.issuers.map(({ name }) => name);
  const path = [...at, 'require', 'issuer'];
  if (require.issuer.length > 0 && !accept.includes('jwt'))
    return [
      { path, message: 'demands an issuer, but the rule does not accept jwt', hint: 'add jwt to accept', reads: [at] },
    ];
  return require.issuer.flatMap((name, index): Finding[] => {
    if (known.includes(name)) return [];
    const meant = nearest(name, known);
    const expected = known.length > 0 ? `one of ${known.join(', ')}` : 'the name of an issuer under jwt.issuers';
    const hint = meant === undefined ? {} : { hint: `did you mean "${meant}"?` };
    return [
      {
        path: [...path, index],
        message: 'no issuer of this name',
        shows: 'value',
        expected,
        ...hint,
        reads: [['jwt']],
      },
    ];
  });
};

/** Of an API key, a JWT or a certificate. Payers and callers without a name are not asked, so that these keys would promise too much. */
const asked = ['scopes', 'roles', 'claims'] as const;

const checkRequirements: RuleCheck = ({ accept, require }, at) => {
  const isOpen = accept.includes('anonymous');
  if (!isOpen && accept.some((kind) => kind !== 'cashu')) return [];
  const message = isOpen
    ? 'asked of some callers, but anonymous ones pass without it'
    : 'asked of nobody: payers have nothing that could say it';
  const hint = isOpen ? 'drop anonymous from accept, or drop it' : 'add api_key or jwt to accept, or drop it';
  return asked
    .filter((key) => Object.keys(require[key]).length > 0)
    .map((key): Finding => ({ path: [...at, 'require', key], message, hint, reads: [at] }));
};

const checkCashu: RuleCheck = ({ accept, price }, at, config) => {
  if (!accept.includes('cashu')) {
    return price
      ? [
          {
            path: [...at, 'price'],
            message: 'a price, but the rule does not accept cashu',
            hint: 'add cashu to accept',
            reads: [at],
          },
        ]
      : [];
  }
  const reads = [['cashu'], at];
  if (config.cashu.mints.length === 0)
    return [
      {
        path: [...at, 'accept'],
        message: 'accepts cashu, but from no mint',
        hint: 'name a mint under cashu.mints',
        reads,
      },
    ];
  if (!price)
    return [
      {
        path: [...at, 'accept'],
        message: 'accepts cashu, but has no price',
        hint: 'set price, or cashu.default_amount for all rules',
        reads,
      },
    ];
  return checkPrices(price, at, config);
};

const checkFree: RuleCheck = ({ accept, free }, at) => {
  if (!free || accept.includes('cashu')) return [];
  return [
    {
      path: [...at, 'free'],
      message: 'free requests, but nobody is asked to pay',
      hint: 'add cashu to accept, or drop free',
      reads: [at],
    },
  ];
};

const checkOpen: RuleCheck = ({ accept, free }, at) => {
  if (!accept.includes('cashu') || !accept.includes('anonymous')) return [];
  const message = 'anonymous callers pass, and so nobody has to pay';
  const instead = 'drop anonymous, or set free in its place: so many requests are free, and whoever wants more pays';
  const hint = free ? 'drop anonymous: free lets them in already' : instead;
  return [{ path: [...at, 'accept'], message, hint, reads: [at] }];
};

const checkHeaders: RuleCheck = ({ headers }, at) => sameHeaders(headers, [...at, 'headers']);

const perRule: readonly RuleCheck[] = [
  checkAccept,
  checkJwt,
  checkIssuers,
  checkRequirements,
  checkCashu,
  checkFree,
  checkOpen,
  checkHeaders,
];

/** Two writers of one header: which of them the service behind would see is anybody's guess. */
export const sameHeaders = (
  headers: Pick<RuleConfig['headers'], 'inject_claims' | 'inject_user_id'>,
  at: Path,
): Finding[] =>
  repeated(
    [
      ...Object.entries(headers.inject_claims).map(([claim, header]) => ({
        word: canonicalHeader(header),
        path: [...at, 'inject_claims', claim],
      })),
      ...(headers.inject_user_id === undefined
        ? []
        : [{ word: canonicalHeader(headers.inject_user_id), path: [...at, 'inject_user_id'] }]),
    ],
    'header',
  );
