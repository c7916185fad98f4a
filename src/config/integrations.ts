/** Which requests of sandboxes get which headers: what the configuration names, and what is built in. */
import type { Config } from './config.ts';

type Resolver = NonNullable<Config['resolver']>;

export type IntegrationConfig = Readonly<{
  name: string;
  hosts: readonly string[];
  paths: readonly string[];
  /** Left out for every method. */
  methods?: readonly string[];
  headers: Readonly<Record<string, string>>;
  /** Which value of the credential names the domain it may go to. */
  domainFrom?: string;
  /** Where it stands in `resolver.integrations`; left out where it is built in. */
  index?: number;
}>;

const builtIn: readonly IntegrationConfig[] = [
  {
    name: 'anthropic',
    hosts: ['api.anthropic.com'],
    paths: ['/v1/**', '/api/event_logging/**'],
    headers: { 'X-API-Key': '{{api_key}}' },
  },
  {
    name: 'coralogix',
    // All the domains that Coralogix has; which of them it is says the credential.
    hosts: ['*.coralogix.com', '*.coralogix.us', '*.coralogix.in', '*.coralogixsg.com'],
    paths: ['/api/v1/dataprime/**', '/api/v1/query*/**'],
    headers: { Authorization: 'Bearer {{api_key}}' },
    domainFrom: 'domain',
  },
];

const everyPath = ['/**'];

/** The file's own first. One of the same name takes the place of a built-in one, which also goes by the sidecar's names. */
export const integrationsOf = ({ integrations, sidecar_hosts }: Resolver): readonly IntegrationConfig[] => {
  const own = integrations.map(
    ({ name, hosts = sidecar_hosts, paths, methods, headers, domain_from }, index): IntegrationConfig => ({
      name,
      hosts,
      paths: paths.length > 0 ? paths : everyPath,
      ...(methods && { methods }),
      headers,
      ...(domain_from !== undefined && { domainFrom: domain_from }),
      index,
    }),
  );
  const names = new Set(own.map(({ name }) => name));
  return [
    ...own,
    ...builtIn
      .filter(({ name }) => !names.has(name))
      .map((one) => ({ ...one, hosts: [...new Set([...one.hosts, ...sidecar_hosts])] })),
  ];
};
