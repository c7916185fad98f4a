/** The services behind the reverse proxy: targets of egress, where one has the origin, and connections of our own. */

import { trimPrefix } from '../egress/call-path.ts';
import type { Admission } from '../egress/callers.ts';
import { createSendOnce } from '../egress/send-once.ts';
import type { Target } from '../egress/target.ts';
import type { Upstream } from '../egress/upstream.ts';
import { guardTarget } from '../stores/outbound/target-guard.ts';
import { createUpstream, type UpstreamOptions } from '../stores/upstream/pool.ts';
import type { EgressTarget } from './egress.ts';

/** Where requests of a route go. */
export type ProxyUpstream = Readonly<{
  target: Target;
  admission: Admission | undefined;
  /** Of the URL that the route names, without a slash at its end. */
  basePath: string;
  /** Headers that its credentials set, and those that show who may use them. */
  ofCredentials: readonly string[];
  /** Parameters of the query that its credentials set. */
  ownParameters: readonly string[];
  passesHost: boolean;
}>;

/** Connections to a service of the operator's own. Throws where they cannot be made. */
export type OpenUpstream = (options: Pick<UpstreamOptions, 'origin' | 'lookup'>) => Upstream;

/** A service of the operator's own, whose host is the caller's: it is asked once, for it says itself what may be repeated. */
const ownTarget = (origin: string, open: OpenUpstream) => {
  const upstream = open({ origin, lookup: guardTarget(new URL(origin), true) });
  const send = createSendOnce({ origin, credentials: [], upstream });
  const target: Target = {
    name: origin,
    origin,
    basePath: '',
    credentials: [],
    timeoutMs: 0,
    wholeBody: () => undefined,
    send,
    sendOnce: send,
  };
  return { target, close: upstream.close };
};

export const createProxyUpstreams = (targets: readonly EgressTarget[], open: OpenUpstream = createUpstream) => {
  const own = new Map<string, ReturnType<typeof ownTarget>>();

  const ownAt = (origin: string): Target => {
    const known = own.get(origin) ?? ownTarget(origin, open);
    own.set(origin, known);
    return known.target;
  };

  return {
    at(url: string): ProxyUpstream {
      const { origin, pathname } = new URL(url);
      const basePath = trimPrefix(pathname);
      const shared = targets.find(({ target }) => target.origin === origin);
      if (!shared) {
        const target = ownAt(origin);
        return { target, admission: undefined, basePath, ofCredentials: [], ownParameters: [], passesHost: true };
      }
      const { target, admission, injected, ownParameters, isLimited } = shared;
      return {
        target,
        admission: isLimited ? admission : undefined,
        basePath,
        ofCredentials: [...injected, ...(isLimited ? admission.ownHeaders : [])],
        ownParameters,
        passesHost: false,
      };
    },

    close: async (): Promise<void> => {
      await Promise.all([...own.values()].map(({ close }) => close()));
    },
  };
};
