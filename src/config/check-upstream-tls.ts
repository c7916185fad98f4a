/** TLS towards the services behind the reverse proxy that are no targets of egress. */
import type { Config } from './config.ts';
import type { Finding } from './finding.ts';

const path = ['proxy', 'upstream_tls'];

/** What is said of TLS would be forgotten without a word where no service uses it. */
export const checkUpstreamTls = (
  { upstream_tls: tls }: NonNullable<Config['proxy']>,
  urls: readonly string[],
  { egress }: Config,
): Finding[] => {
  if (!tls?.enabled) return [];
  const targets = egress?.enabled ? Object.values(egress.targets).map(({ url }) => url) : [];
  const ofTargets = new Set(targets.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin));
  const isOwn = ({ protocol, origin }: URL): boolean => protocol === 'https:' && !ofTargets.has(origin);
  return [
    ...((tls.client_cert === undefined) === (tls.client_key === undefined)
      ? []
      : [{ path, message: 'half a client certificate', expected: 'both client_cert and client_key', reads: [path] }]),
    ...(urls.some((url) => isOwn(new URL(url)))
      ? []
      : [
          {
            path,
            message: 'no upstream uses it: each is plain http, or a target of egress',
            expected: 'an https upstream, or tls of the target',
            reads: [
              ['proxy', 'upstream'],
              ['proxy', 'routes'],
              ['egress', 'targets'],
            ],
          },
        ]),
  ];
};
