/** The connections to one service, with the certificates that they show and ask for, which may change while we run. */

import { createSecureContext, type SecureContext } from 'node:tls';
import type { Config } from '../config/config.ts';
import type { Upstream } from '../egress/upstream.ts';
import { certificatesIn, checkPair, type PemFile } from '../pem.ts';
import { createHttp2Upstream } from '../stores/upstream/http2.ts';
import { createUpstream, type UpstreamOptions } from '../stores/upstream/pool.ts';
import { createRenewable } from '../stores/upstream/renewable.ts';
import { watchFiles } from '../watched-files.ts';

type TargetConfig = NonNullable<Config['egress']>['targets'][string];

type TlsFiles = NonNullable<TargetConfig['tls']>;

export type UpstreamParts = Readonly<{
  /** Which block of the configuration names the files. */
  key: string;
  origin: string;
  lookup: UpstreamOptions['lookup'];
  /** Changed files cannot be used: calls go on with what was read before. */
  onKept(error: unknown): void;
  lookEveryMs?: number;
}>;

/** Throws where a file is cut off or holds nothing, or the key is another certificate's: OpenSSL takes what it can read. */
const contextOf = (tls: TlsFiles, contents: readonly Buffer[]): SecureContext => {
  const rest = [...contents];
  const next = (path: string | undefined): PemFile | undefined => {
    const content = path === undefined ? undefined : rest.shift();
    return path === undefined || content === undefined ? undefined : { path, content };
  };
  const [ca, cert, key] = [next(tls.ca_cert), next(tls.client_cert), next(tls.client_key)];
  if (ca) certificatesIn(ca);
  if (cert && key) checkPair(cert, key);
  return createSecureContext({
    ...(ca && { ca: ca.content }),
    ...(cert && { cert: cert.content }),
    ...(key && { key: key.content }),
  });
};

/** Of a start or a reload: where the files are named. */
const named = <T>(key: string, use: () => T): T => {
  try {
    return use();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${key}: ${why}`, { cause });
  }
};

/** Throws where a file cannot be read or used. */
export const assembleUpstream = (
  { tls, http2 }: Pick<TargetConfig, 'tls' | 'http2'>,
  { key, onKept, lookEveryMs, ...fixed }: UpstreamParts,
): Upstream => {
  const create = (options: UpstreamOptions): Upstream => {
    const http1 = createUpstream(options);
    return http2 && fixed.origin.startsWith('https:') ? createHttp2Upstream(options, http1) : http1;
  };
  if (!tls?.enabled) return create(fixed);
  const files = [tls.ca_cert, tls.client_cert, tls.client_key].filter((file) => file !== undefined);
  const watched = named(key, () => watchFiles(files, onKept, lookEveryMs));
  const upstream = createRenewable(
    (secureContext: SecureContext) =>
      create({
        ...fixed,
        tls: { secureContext, ...(tls.server_name !== undefined && { servername: tls.server_name }) },
      }),
    named(key, () => contextOf(tls, watched.current)),
  );
  if (files.length > 0) watched.onChange((contents) => upstream.renew(contextOf(tls, contents)));
  return {
    send: upstream.send,
    close() {
      watched.close();
      return upstream.close();
    },
    destroy() {
      watched.close();
      return upstream.destroy();
    },
  };
};
