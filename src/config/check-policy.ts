/** Questions to policies, and the headers that policies see: where they stand, and whether they can be asked. */
import { credentialHeaders } from '../core/credential.ts';
import { canonicalHeader } from '../core/header-names.ts';
import { checkPublicKey } from './check-issuers.ts';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import { isHeaderName } from './header-names.ts';
import type { Path } from './path.ts';
import { type PolicyQuery, policyQueries } from './policy-queries.ts';
import { repeated } from './repeated.ts';

/** The path of a rule in a package: what every engine can answer. */
const queryForm = /^data(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/;

export const isPolicyQuery = (text: string): boolean => queryForm.test(text);

export const expectedQuery = 'the path of a rule, such as data.orders.allow';

const checkForm = ({ query, path }: PolicyQuery): Finding[] =>
  isPolicyQuery(query)
    ? []
    : [
        {
          path,
          message: 'not a query that a policy can be asked',
          shows: 'value',
          expected: expectedQuery,
        },
      ];

const checkEngine = ({ path }: PolicyQuery, { policy }: Config): Finding[] =>
  policy
    ? []
    : [
        {
          path,
          message: 'asks a policy, but there are none',
          hint: 'say under policy where they are: policy: { path: policies }',
          reads: [['policy']],
        },
      ];

/** Other headers that carry what opens a door. */
const secretHeaders = [...credentialHeaders, 'proxy-authorization', 'set-cookie'].map(canonicalHeader);

const checkExtract = (extract: readonly string[], at: Path, tokenHeaders: readonly string[] = []): Finding[] => {
  const secrets = [...secretHeaders, ...tokenHeaders.map(canonicalHeader)];
  return [
    ...extract.flatMap((name, index): Finding[] => {
      const path = [...at, index];
      if (!isHeaderName(name)) return [{ path, message: 'not a header name', shows: 'value' }];
      if (!secrets.includes(canonicalHeader(name))) return [];
      return [
        {
          path,
          message: 'a header that carries a credential, which neither policies nor the audit line may see',
          shows: 'value',
          hint: 'policies have what it says as input.token and input.identity',
        },
      ];
    }),
    ...repeated(
      extract.map((name, index) => ({ word: name.toLowerCase(), path: [...at, index] })),
      'header',
    ),
  ];
};

const isSignable = ({ engine, path }: NonNullable<Config['policy']>): boolean =>
  engine === 'opa_embedded' && (path === undefined || /\.(?:tar\.gz|tgz)$/.test(path));

const checkVerification = ({ policy }: Config): Finding[] => {
  if (policy?.verification_key === undefined) return [];
  const path = ['policy', 'verification_key'];
  if (isSignable(policy)) return checkPublicKey(policy.verification_key, path);
  return [{ path, message: 'nothing that can be verified', expected: 'policy.path to be a signed bundle.tar.gz' }];
};

/** Nobody else looks at them: the gate has no audit line. */
const checkUse = ({ policy, headers }: Config['rules'][number], at: Path): Finding[] =>
  headers.extract.length === 0 || policy !== undefined
    ? []
    : [
        {
          path: [...at, 'headers', 'extract'],
          message: 'headers for a policy, but the rule asks none',
          hint: 'set policy, or drop extract',
          reads: [at],
        },
      ];

export const checkPolicy = (config: Config): Finding[] => {
  const { rules, proxy } = config;
  return [
    ...checkVerification(config),
    ...policyQueries(config).flatMap((query) => [...checkForm(query), ...checkEngine(query, config)]),
    ...rules.flatMap((rule, index) => [
      ...checkExtract(rule.headers.extract, ['rules', index, 'headers', 'extract']),
      ...checkUse(rule, ['rules', index]),
    ]),
    ...(proxy?.enabled
      ? checkExtract(proxy.headers.extract, ['proxy', 'headers', 'extract'], [proxy.auth.header])
      : []),
  ];
};
