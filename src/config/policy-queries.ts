import type { Config } from './config.ts';
import type { Path } from './path.ts';

/** A question that the configuration asks the policy, and where it asks. */
export type PolicyQuery = Readonly<{ path: Path; query: string }>;

type Asking = Pick<Config, 'rules' | 'proxy' | 'egress'>;

const proxyQueries = ({ proxy }: Asking): PolicyQuery[] => {
  if (!proxy?.enabled || proxy.authz?.enabled === false) return [];
  const general = proxy.authz?.policy_query;
  return [
    ...(general === undefined ? [] : [{ path: ['proxy', 'authz', 'policy_query'], query: general }]),
    ...proxy.routes.flatMap(({ policy_query: query }, index) =>
      query === undefined ? [] : [{ path: ['proxy', 'routes', index, 'policy_query'], query }],
    ),
  ];
};

const egressQueries = ({ egress }: Asking): PolicyQuery[] =>
  (egress?.enabled ? egress.routes : []).flatMap(({ policy_query: query }, index) =>
    query === undefined ? [] : [{ path: ['egress', 'routes', index, 'policy_query'], query }],
  );

/** Every question that may be asked, in the order of the configuration; the same one as often as it stands there. */
export const policyQueries = (config: Asking): PolicyQuery[] => [
  ...config.rules.flatMap(({ policy: query }, index) =>
    query === undefined ? [] : [{ path: ['rules', index, 'policy'], query }],
  ),
  ...proxyQueries(config),
  ...egressQueries(config),
];
