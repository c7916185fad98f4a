import { canonicalHeader } from '../core/header-names.ts';
import { parseHeaderTemplate } from '../core/header-template.ts';
import { parsePathPattern } from '../core/path-pattern.ts';
import { findConflicts, type Route } from '../core/routes.ts';
import { checkSecret } from './check-issuers.ts';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import { type IntegrationConfig, integrationsOf } from './integrations.ts';
import { nearest } from './nearest.ts';
import type { Path } from './path.ts';
import { repeated } from './repeated.ts';

type Resolver = NonNullable<Config['resolver']>;

const checkKeys = (resolver: Resolver): Finding[] => {
  const path = ['resolver'];
  const findings = checkSecret(resolver.secret, ['resolver', 'secret']);
  if (resolver.secret && resolver.jwks_url !== undefined)
    findings.push({ path, message: 'two sources of keys', expected: 'one of secret, jwks_url' });
  if (resolver.mode === 'strict' && !resolver.secret && resolver.jwks_url === undefined)
    findings.push({
      path,
      message: 'strict, but cannot verify a token',
      expected: 'secret (JWT_SECRET) or jwks_url',
      reads: [path],
    });
  if (resolver.tls?.enabled && resolver.addr === undefined)
    findings.push({
      path: ['resolver', 'tls'],
      message: 'TLS on a listener that is not there',
      expected: 'resolver.addr beside it; http.tls is for http.addr',
      reads: [path],
    });
  if (resolver.source === 'config_service' && !resolver.config_service)
    findings.push({
      path,
      message: 'takes credentials from a config service, but names none',
      expected: 'resolver.config_service',
      reads: [path],
    });
  return findings;
};

const isWithin = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

/** On `http.addr` a sandbox that asks for `/health` is asked about under the prefix, which must be nobody else's. */
const checkPrefix = ({ resolver, egress, endpoints }: Config): Finding[] => {
  if (!resolver || resolver.addr !== undefined) return [];
  const prefix = resolver.path_prefix.replace(/\/+$/, '');
  const others = ['/auth', '/.sallyport', endpoints.health, endpoints.ready, endpoints.metrics];
  if (egress?.enabled && egress.addr === undefined) others.push(endpoints.egress);
  if (prefix !== '' && !others.some((other) => isWithin(prefix, other) || isWithin(other, prefix))) return [];
  return [
    {
      path: ['resolver', 'path_prefix'],
      message: 'answers something else already',
      shows: 'value',
      expected: 'a path of its own such as /resolve, or a listener of its own (resolver.addr)',
      reads: [['endpoints']],
    },
  ];
};

const checkPaths = ({ paths }: IntegrationConfig, at: Path): Finding[] =>
  paths.flatMap((text, index): Finding[] => {
    const pattern = parsePathPattern(text);
    if (typeof pattern !== 'string') return [];
    return [{ path: [...at, 'paths', index], message: pattern, shows: 'value', expected: 'a pattern such as /v1/**' }];
  });

const checkHosts = ({ hosts }: IntegrationConfig, path: Path): Finding[] =>
  hosts.length > 0
    ? []
    : [{ path, message: 'is for no host', expected: 'hosts, or resolver.sidecar_hosts', reads: [['resolver']] }];

const checkHeaders = ({ headers }: IntegrationConfig, at: Path, { header: tokenHeader }: Resolver): Finding[] => {
  const entries = Object.entries(headers).map(([name, text]) => ({ name, text, path: [...at, 'headers', name] }));
  if (entries.length === 0) return [{ path: [...at, 'headers'], message: 'adds nothing', expected: 'a header' }];
  return [
    ...repeated(
      entries.map(({ name, path }) => ({ word: canonicalHeader(name), path })),
      'header',
    ),
    ...entries.flatMap(({ name, text, path }): Finding[] => {
      const template = parseHeaderTemplate(text);
      if (typeof template === 'string')
        return [{ path, message: template, expected: 'text such as Bearer {{api_key}}' }];
      return canonicalHeader(name) === canonicalHeader(tokenHeader)
        ? [{ path, message: 'the header that carries the token of the sandbox', expected: 'another header' }]
        : [];
    }),
  ];
};

const routesOf = (integrations: readonly IntegrationConfig[]): Route<IntegrationConfig>[] =>
  integrations.flatMap((target) =>
    target.paths.flatMap((text) => {
      const path = parsePathPattern(text);
      if (typeof path === 'string') return [];
      const { hosts, methods } = target;
      return hosts.map((host) => ({ host, path, target, ...(methods && { methods }) }));
    }),
  );

/** Two integrations of which neither is more specific: which credential went out would be a matter of chance. */
const checkConflicts = (integrations: readonly IntegrationConfig[]): Finding[] =>
  findConflicts(routesOf(integrations)).flatMap(([first, second]): Finding[] => {
    // What is built in stands behind the file's own, and nowhere in the file.
    const { index } = second.target.index === undefined ? first.target : second.target;
    if (index === undefined) return [];
    const other = second.target.index === undefined ? second.target : first.target;
    const whose = other.index === undefined ? `the built-in ${other.name}` : other.name;
    return [
      {
        path: ['resolver', 'integrations', index],
        message: `is for requests (${second.host}${second.path.text}) that ${whose} is for just as specifically`,
        hint: 'change hosts, paths or methods of one of them',
      },
    ];
  });

/** A value that no header has a place for is a slip, and would be missed in production. */
const checkCredentials = ({ credentials }: Resolver, integrations: readonly IntegrationConfig[]): Finding[] => {
  const names = integrations.map(({ name }) => name);
  return Object.entries(credentials).flatMap(([name, values]): Finding[] => {
    const path = ['resolver', 'credentials', name];
    const integration = integrations.find((one) => one.name === name);
    if (!integration) {
      const meant = nearest(name, names);
      return [
        {
          path,
          atKey: true,
          message: 'no integration of this name',
          expected: `one of ${names.join(', ')}`,
          ...(meant !== undefined && { hint: `did you mean "${meant}"?` }),
          reads: [['resolver', 'integrations']],
        },
      ];
    }
    const templates = Object.values(integration.headers).map((text) => parseHeaderTemplate(text));
    const known = [
      ...templates.flatMap((template) => (typeof template === 'string' ? [] : template.keys)),
      ...(integration.domainFrom === undefined ? [] : [integration.domainFrom]),
    ];
    return Object.keys(values)
      .filter((key) => !known.includes(key))
      .map((key) => ({
        path: [...path, key],
        atKey: true,
        message: 'no header of the integration has a place for it',
        expected: `one of ${[...new Set(known)].join(', ')}`,
        reads: [['resolver', 'integrations']],
      }));
  });
};

export const checkResolver = (config: Config): Finding[] => {
  const { resolver } = config;
  if (!resolver?.enabled) return [];
  const at = (index: number): Path => ['resolver', 'integrations', index];
  const integrations = integrationsOf(resolver);
  return [
    ...checkKeys(resolver),
    ...checkPrefix(config),
    ...repeated(
      resolver.integrations.map(({ name }, index) => ({ word: name, path: [...at(index), 'name'] })),
      'name',
    ),
    ...integrations.flatMap((integration) =>
      integration.index === undefined
        ? []
        : [
            ...checkHosts(integration, at(integration.index)),
            ...checkPaths(integration, at(integration.index)),
            ...checkHeaders(integration, at(integration.index), resolver),
          ],
    ),
    ...checkConflicts(integrations),
    ...checkCredentials(resolver, integrations),
  ];
};
