/** The headers of a request as the service behind gets them: the caller's own that may go on, and ours in their place. */

import type { Allow, Headers } from '../core/decision.ts';
import { canonicalHeader } from '../core/header-names.ts';
import { perObject } from '../core/per-object.ts';
import { createRequestFilter, type HeaderFilter } from '../egress/headers.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import type { ProxiedRequest } from './proxied-request.ts';

/**
 * What would let the service behind see another method than the one decided on, or a certificate that nobody verified: proxies
 * in front of applications tell of client certificates by these.
 */
const misleading = [
  'client-cert',
  'client-cert-chain',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-client-cert',
  'x-client-verify',
];
const misleadingFamilies = ['ssl-client-', 'x-ssl-client-'];

const correlation = ['X-Correlation-ID', 'X-Request-ID'];

export type ProxiedHeadersOptions = Readonly<{
  /** Every header that any route can set. */
  managed: readonly string[];
  /** What the credentials of the target set after this: theirs wins. */
  ofCredentials: readonly string[];
  /** The header that carries the caller's token, in lower case. */
  tokenHeader: string;
  /** Whether the host is the one that the caller asked; otherwise the target's own. */
  passesHost: boolean;
}>;

export class ProxiedHeaders {
  readonly #options: ProxiedHeadersOptions;
  readonly #dropped: readonly string[];
  /** By what is taken off besides; a few of the names of credentials. */
  readonly #filters = new Map<string, HeaderFilter>();
  readonly #identity: (headers: Headers) => readonly string[];

  constructor(options: ProxiedHeadersOptions) {
    const { managed, ofCredentials } = options;
    const taken = new Set(ofCredentials.map(canonicalHeader));
    this.#options = options;
    this.#dropped = [...managed, ...ofCredentials, ...correlation, ...misleading];
    this.#identity = perObject((headers) =>
      Object.entries(headers).flatMap(([name, value]) =>
        value === '' || taken.has(canonicalHeader(name)) ? [] : [name, value],
      ),
    );
  }

  write(request: ProxiedRequest, { upstream, remove, cookie }: Allow): string[] {
    const { message, id } = request;
    const host = message.headers.host ?? '';
    const headers = this.#filterWithout(remove, cookie !== undefined)(message.rawHeaders);
    if (cookie) headers.push('Cookie', cookie);
    headers.push(...this.#identity(upstream), ...forwardedHeaders(request, host));
    headers.push('X-Correlation-ID', id, 'X-Request-ID', id);
    if (this.#options.passesHost) headers.push('Host', host);
    return headers;
  }

  #filterWithout(remove: readonly string[], withoutCookie: boolean): HeaderFilter {
    const key = `${remove.join()}${withoutCookie}`;
    const known = this.#filters.get(key);
    if (known) return known;
    const removed = remove.map((name) => (name === 'authorization' ? this.#options.tokenHeader : name));
    const filter = createRequestFilter(
      [...this.#dropped, ...removed, ...(withoutCookie ? ['cookie'] : [])],
      misleadingFamilies,
    );
    this.#filters.set(key, filter);
    return filter;
  }
}
