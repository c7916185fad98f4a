/** A Check of a sandbox's call: which headers Envoy adds to it. Routes ask for it by `context_extensions`, which no client can set. */
import { randomUUID } from 'node:crypto';
import type { Allow } from '../../core/decision.ts';
import { type Eventually, whenReady } from '../../core/eventually.ts';
import { anonymous } from '../../core/identity.ts';
import { type Refusal, refuse } from '../../core/refusal.ts';
import { isRequestId } from '../../core/request-id.ts';
import { readCall } from '../../egress/resolver/call.ts';
import type { Resolution, Resolve } from '../../egress/resolver/resolve.ts';
import { type ResolverEvent, resolverEvent } from '../../egress/resolver/resolver-event.ts';
import type { Fields, Peer } from '../server/method.ts';
import type { CheckRequest } from './check-request.ts';
import { encodeAllow, encodeDeny, type HttpAnswer } from './check-response.ts';

export type ResolverCheckParts = Readonly<{
  resolve: Resolve;
  /** The key of `context_extensions` that holds the token: the name of its header. */
  tokenKey: string;
  observe(event: ResolverEvent): void;
  answerTo(refusal: Refusal): HttpAnswer;
}>;

/** Must not throw. */
export type ResolverCheck = (check: CheckRequest, peer: Peer) => Eventually<Fields>;

const requestIdOf = ({ headers }: CheckRequest, { trusted }: Peer): string => {
  const given = trusted ? headers.find(([name]) => name === 'x-request-id')?.[1] : undefined;
  return isRequestId(given) ? given : randomUUID();
};

const unwritable = (cause: unknown): Refusal =>
  refuse('internal_error', 'The request could not be decided. Try again.', { cause });

export const createResolverCheck = ({ resolve, tokenKey, observe, answerTo }: ResolverCheckParts): ResolverCheck => {
  const encodeRefusal = (refusal: Refusal, rule: string, requestId: string): Fields =>
    encodeDeny(refusal, answerTo(refusal), { rule, requestId, identity: undefined });

  const encode = (resolution: Resolution, requestId: string): Fields => {
    const { integration } = resolution;
    if (resolution.result === 'refused') return encodeRefusal(resolution.refusal, integration, requestId);
    const { set, remove } = resolution.injection;
    // Access logs carry back the sandbox as the user.
    const identity = { ...anonymous, subject: resolution.sandbox?.sandbox ?? '' };
    const decision: Allow = { verdict: 'allow', identity, upstream: set, client: {}, remove };
    return encodeAllow(decision, { rule: integration, requestId });
  };

  return (check, peer) => {
    const asked = { requestId: requestIdOf(check, peer), door: 'grpc', startedAt: performance.now() } as const;
    const { requestId } = asked;
    const question = {
      // A header of that name is the sandbox's own, for over gRPC Envoy sends all of them.
      token: check.contextExtensions.get(tokenKey),
      call: readCall(check.method, check.host, check.path),
      peerIp: peer.ip,
    };

    return whenReady(resolve(question), (resolution) => {
      try {
        const fields = encode(resolution, requestId);
        observe(resolverEvent(asked, question, resolution));
        return fields;
      } catch (cause) {
        const refusal = unwritable(cause);
        observe(resolverEvent(asked, question, resolution, refusal));
        return encodeRefusal(refusal, resolution.integration, requestId);
      }
    });
  };
};
