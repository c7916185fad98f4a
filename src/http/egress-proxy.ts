/** The way out: a caller's request becomes a call of a target, with credentials that the caller never sees. */
import type { IncomingMessage } from 'node:http';
import { type Eventually, whenReady } from '../core/eventually.ts';
import { isRefusal, refuse } from '../core/refusal.ts';
import { rawPath } from '../egress/call-path.ts';
import type { CallerFacts } from '../egress/caller-entry.ts';
import type { Admitted } from '../egress/callers.ts';
import { aboutCall, type EgressRoute, outgoingCall, planCall } from '../egress/plan-call.ts';
import type { EgressRoutes } from '../egress/routes.ts';
import type { AuthResponse } from './auth-response.ts';
import { type CallerSources, callerRequest } from './egress-caller.ts';
import { type CallStory, EgressExchange, type Observe } from './egress-exchange.ts';
import { refusedAtOnce, refusedCaller } from './egress-refusals.ts';
import { asksForWebSocket } from './egress-socket.ts';
import { correlationIdOf } from './proxied-request.ts';
import { sendCall, sendUpgrade } from './send-call.ts';

export type EgressProxyParts = CallerSources &
  Readonly<{
    routes: EgressRoutes<EgressRoute>;
    observe: Observe;
  }>;

export type EgressProxy = (message: IncomingMessage, response: AuthResponse) => void;

const noWebSocket = refuse('upgrade_refused', 'The route takes no WebSocket.');

export const createEgressProxy = ({ routes, observe, ...sources }: EgressProxyParts): EgressProxy => {
  return (message, response) => {
    const url = message.url ?? '';
    const peer = sources.peers.of(message.socket);
    const story: CallStory = {
      requestId: correlationIdOf(message, peer),
      startedAt: performance.now(),
      method: message.method ?? '',
      path: rawPath(url),
      target: '',
      caller: peer.ip,
      findings: undefined,
    };
    const exchange = new EgressExchange(message, response, story, observe);
    try {
      const planned = planCall(routes, { method: message.method, host: message.headers.host, target: url });
      if (isRefusal(planned)) {
        exchange.failed(refusedAtOnce(planned));
        return;
      }
      story.target = planned.route.target.name;
      const isWebSocket = asksForWebSocket(message);
      if (isWebSocket && !(planned.route.websocket && planned.method === 'GET')) {
        exchange.failed(refusedAtOnce(noWebSocket));
        return;
      }
      const { admission, policy } = planned.route;
      const check = policy && ((facts: CallerFacts) => policy(aboutCall(planned, message.headers.host), facts));
      const admitted: Eventually<Admitted> = admission.admit(callerRequest(message, peer, sources), check);
      const sent = whenReady(admitted, ({ caller, refusal, findings }) => {
        story.caller = caller;
        story.findings = refusal?.findings ?? findings;
        if (refusal) exchange.failed(refusedCaller(refusal));
        else {
          const outgoing = outgoingCall(planned, message.rawHeaders);
          if (isRefusal(outgoing)) exchange.failed(refusedAtOnce(outgoing));
          else if (isWebSocket) sendUpgrade(planned.route.target, outgoing, message, exchange);
          else sendCall(planned.route.target, outgoing, message, response, exchange);
        }
      });
      if (sent instanceof Promise) sent.catch((cause: unknown) => exchange.unexpected(cause));
    } catch (cause) {
      exchange.unexpected(cause);
    }
  };
};
