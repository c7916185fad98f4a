import { Secret } from '../core/secret.ts';
import { parseAddress } from './address.ts';
import { checkCertificate, checkTls } from './check-tls.ts';
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';
import { readPostgresUrl } from './postgres-url.ts';
import { standIn } from './read/variable.ts';
import { repeated } from './repeated.ts';

const checkListeners = ({ http, admin, endpoints, egress, resolver, grpc }: Config): Finding[] => {
  const listeners: [path: Path, addr: string | undefined][] = [
    [['http', 'addr'], http.addr],
    [['admin', 'addr'], admin?.addr],
    [['endpoints', 'addr'], endpoints.addr],
    [['egress', 'addr'], egress?.enabled ? egress.addr : undefined],
    [['resolver', 'addr'], resolver?.enabled ? resolver.addr : undefined],
    [['grpc', 'addr'], grpc?.addr],
  ];
  const open = listeners.flatMap(([path, addr]) => {
    const address = addr === undefined ? undefined : parseAddress(addr);
    return address && address.port !== 0 ? [{ path, ...address }] : [];
  });
  return open.flatMap(({ path, host, port }, index): Finding[] => {
    const before = open
      .slice(0, index)
      .find((other) => other.port === port && (!other.host || !host || other.host === host));
    return before
      ? [{ path, message: 'the same address as', refersTo: before.path, shows: 'value', reads: [before.path] }]
      : [];
  });
};

/** A file that is not on this machine has been stood in for, and is not judged. */
const checkStore = ({ store }: Config): Finding[] => {
  if (store.type !== 'postgres' || !(store.url instanceof Secret)) return [];
  const text = store.url.reveal();
  const address = text === standIn ? undefined : readPostgresUrl(text);
  if (!address) return [];
  if ('message' in address) return [{ path: ['store', 'url'], ...address }];
  if (store.ca === undefined || address.tls) return [];
  return [
    { path: ['store', 'ca'], message: 'is for TLS, and there is none', expected: '?sslmode=require in store.url' },
  ];
};

const checkGrpcTls = (tls: NonNullable<NonNullable<Config['grpc']>['tls']>): Finding[] => {
  const path = ['grpc', 'tls'];
  const findings = checkCertificate(tls, path);
  if (tls.crl_file.length > 0 && tls.client_ca_file.length === 0)
    findings.push({
      path,
      message: 'knows revoked certificates, but asks for none',
      expected: 'client_ca_file',
      reads: [path],
    });
  return findings;
};

const checkGrpc = ({ grpc }: Config): Finding[] => {
  if (!grpc) return [];
  const path = ['grpc'];
  const idle: Finding[] =
    grpc.ext_authz || grpc.access_log
      ? []
      : [{ path, message: 'a listener that offers nothing', expected: 'ext_authz or access_log', reads: [path] }];
  return [...idle, ...(grpc.tls?.enabled ? checkGrpcTls(grpc.tls) : [])];
};

/** Paths that answer proxies and payers. */
const reserved = /^\/(auth|\.sallyport)(\/|$)/;

const checkEndpoints = ({ endpoints }: Config): Finding[] => {
  const paths = (['egress', 'health', 'ready', 'metrics'] as const).map((key) => ({
    word: endpoints[key],
    path: ['endpoints', key],
  }));
  return [
    ...repeated(paths, 'path'),
    ...paths.flatMap(({ word, path }): Finding[] =>
      reserved.test(word)
        ? [
            {
              path,
              message: 'the path of decisions',
              shows: 'value',
              expected: 'a path that is not below /auth or /.sallyport',
            },
          ]
        : [],
    ),
  ];
};

const checkAdmin = ({ admin }: Config): Finding[] =>
  (['token', 'usage_token'] as const).flatMap((key): Finding[] => {
    const token = admin?.[key];
    if (!(token instanceof Secret) || token.reveal().length >= 16) return [];
    return [
      {
        path: ['admin', key],
        message: 'too short',
        expected: 'at least 16 characters',
        hint: 'make one with: openssl rand -hex 24',
      },
    ];
  });

const checkPolicy = ({ policy }: Config): Finding[] => {
  if (!policy) return [];
  const key = policy.engine === 'opa_embedded' ? 'path' : 'url';
  return policy[key] === undefined
    ? [
        {
          path: ['policy', key],
          message: 'missing',
          expected: `${key} with engine ${policy.engine}`,
          reads: [['policy']],
        },
      ]
    : [];
};

const checkBilling = ({ billing, rules }: Config): Finding[] => {
  if (!billing) return [];
  const names = new Set(rules.map(({ name }) => name));
  const unknown = Object.keys(billing.meters).filter((rule) => !names.has(rule));
  const { protocol, hostname, pathname } = new URL(billing.stripe_url);
  const isNear = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
  const path = ['billing', 'stripe_url'];
  return [
    ...unknown.map(
      (rule): Finding => ({
        path: ['billing', 'meters', rule],
        message: 'there is no rule of this name',
        expected: 'the name of a rule',
      }),
    ),
    ...(protocol === 'http:' && !isNear
      ? [{ path, message: 'the API key would be sent in the clear', expected: 'https://…' }]
      : []),
    ...(pathname === '/' ? [] : [{ path, message: 'has a path', expected: 'scheme, host and port' }]),
  ];
};

const checks = [checkBilling, checkListeners, checkStore, checkTls, checkGrpc, checkEndpoints, checkAdmin, checkPolicy];

/** Everything about listeners and services that needs more than one key to see. */
export const checkServices = (config: Config): Finding[] => checks.flatMap((check) => check(config));
