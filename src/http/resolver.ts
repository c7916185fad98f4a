/**
 * Envoy's HTTP ext_authz for sandboxes: which headers to add to a call that is about to leave. Answered on the raw response,
 * before every endpoint of our own: a sandbox that asks for `/health` is checked like any other.
 */
import { whenReady } from '../core/eventually.ts';
import { perObject } from '../core/per-object.ts';
import { readCall } from '../egress/resolver/call.ts';
import type { Injection } from '../egress/resolver/integration.ts';
import type { Resolve } from '../egress/resolver/resolve.ts';
import { type ResolverEvent, resolverEvent } from '../egress/resolver/resolver-event.ts';
import { HeaderLines } from './header-lines.ts';
import { requestIdOf, single } from './http-request.ts';
import type { Door } from './main-app.ts';
import type { Peers } from './peers.ts';
import { problemReply } from './problem.ts';
import { type Reply, sendReply } from './reply.ts';

export type ResolverDoorOptions = Readonly<{
  resolve: Resolve;
  /** What Envoy puts before the path asked for; empty on a listener of our own. */
  prefix: string;
  /** Lower-case name of the header with the token. */
  tokenHeader: string;
  peers: Peers;
  observe(event: ResolverEvent): void;
}>;

/** Envoy adds what its `allowed_upstream_headers` lists, in the place of the sandbox's own copies, and then removes. */
const allow = perObject(
  ({ set, remove }: Injection): Reply => ({
    status: 200,
    headers: [new HeaderLines({ ...set, 'x-envoy-auth-headers-to-remove': remove.join(',') })],
  }),
);

export const createResolverDoor = ({ resolve, prefix, tokenHeader, peers, observe }: ResolverDoorOptions): Door => ({
  isFor(url) {
    if (!url.startsWith(prefix)) return false;
    const next = url[prefix.length];
    return next === undefined || next === '/' || next === '?';
  },

  answer(message, response) {
    const startedAt = performance.now();
    const { headers, url = '' } = message;
    const peer = peers.of(message.socket);
    const asked = { requestId: requestIdOf({ peer, headers }), door: 'http', startedAt } as const;
    const call = readCall(message.method, headers.host, url.slice(prefix.length));
    const question = { token: single(headers[tokenHeader]), call, peerIp: peer.ip };

    return whenReady(resolve(question), (resolution) => {
      const isRefused = resolution.result === 'refused';
      sendReply(response, isRefused ? problemReply(resolution.refusal) : allow(resolution.injection), asked.requestId);
      observe(resolverEvent(asked, question, resolution));
    });
  },
});
