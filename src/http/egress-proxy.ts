/** The way out: a caller's request becomes a call of a target, with credentials that the caller never sees. */
import type { IncomingMessage } from 'node:http';
import { type Eventually, whenReady } from '../core/eventually.ts';
import { isRefusal, refuse } from '../core/refusal.ts';
import { rawPath } from '../egress/call-path.ts';
import type { Admitted } from '../egress/callers.ts';
import { type EgressRoute, outgoingCall, type Planned, planCall } from '../egress/plan-call.ts';
import type { EgressRoutes } from '../egress/routes.ts';
import type { AuthResponse } from './auth-response.ts';
import { readBody, tooLarge } from './body.ts';
import { type CallerSources, callerRequest } from './egress-caller.ts';
import { type CallStory, EgressExchange, type Observe } from './egress-exchange.ts';
import { refusedAtOnce, refusedCaller } from './egress-refusals.ts';
import { asksForWebSocket } from './egress-socket.ts';
import { requestIdOf } from './http-request.ts';
import { mayArriveSlowly } from './server.ts';

export type EgressProxyParts = CallerSources &
  Readonly<{
    routes: EgressRoutes<EgressRoute>;
    observe: Observe;
  }>;

export type EgressProxy = (message: IncomingMessage, response: AuthResponse) => void;

/** Bytes of the body, `undefined` where it comes in chunks; 0 where there is none. */
const lengthOf = ({ headers }: IncomingMessage): number | undefined =>
  headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;

const noWebSocket = refuse('upgrade_refused', 'The route takes no WebSocket.');

/** From here on the caller may send its body: the way is known and open. */
const invite = (message: IncomingMessage, response: AuthResponse): void => {
  if (message.headers.expect !== undefined) response.writeContinue();
  mayArriveSlowly(message);
};

export const createEgressProxy = ({ routes, observe, ...sources }: EgressProxyParts): EgressProxy => {
  const send = (planned: Planned, message: IncomingMessage, response: AuthResponse, exchange: EgressExchange): void => {
    const outgoing = outgoingCall(planned, message.rawHeaders);
    if (isRefusal(outgoing)) {
      exchange.failed(refusedAtOnce(outgoing));
      return;
    }
    const { target } = planned.route;
    const bodyLength = lengthOf(message);
    if (bodyLength === 0) {
      const announced = message.headers['content-length'] === undefined ? undefined : 0;
      exchange.sends(target.send({ ...outgoing, body: undefined, bodyLength: announced }, exchange));
      return;
    }
    const most = target.wholeBody(outgoing.method, outgoing.headers, bodyLength);
    if (most !== undefined && bodyLength !== undefined && bodyLength > most) {
      exchange.failed(refusedAtOnce(tooLarge(most)));
      return;
    }
    invite(message, response);
    if (most === undefined) {
      exchange.sends(target.send({ ...outgoing, body: message, bodyLength }, exchange));
      return;
    }
    readBody(message, most).then(
      (body) => {
        if (isRefusal(body)) exchange.failed(refusedAtOnce(body));
        else if (!exchange.isOver)
          exchange.sends(target.send({ ...outgoing, body, bodyLength: body.length }, exchange));
      },
      (cause: unknown) => exchange.unexpected(cause),
    );
  };

  const sendUpgrade = (planned: Planned, message: IncomingMessage, exchange: EgressExchange): void => {
    const outgoing = outgoingCall(planned, message.rawHeaders);
    if (isRefusal(outgoing)) exchange.failed(refusedAtOnce(outgoing));
    else {
      const call = { ...outgoing, body: undefined, bodyLength: undefined, upgrade: 'websocket' } as const;
      exchange.sends(planned.route.target.sendOnce(call, exchange));
    }
  };

  return (message, response) => {
    const url = message.url ?? '';
    const peer = sources.peers.of(message.socket);
    const story: CallStory = {
      requestId: requestIdOf({ peer, headers: message.headers }),
      startedAt: performance.now(),
      method: message.method ?? '',
      path: rawPath(url),
      target: '',
      caller: peer.ip,
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
      const admitted: Eventually<Admitted> = planned.route.admission.admit(callerRequest(message, peer, sources));
      const sent = whenReady(admitted, ({ caller, refusal }) => {
        story.caller = caller;
        if (refusal) exchange.failed(refusedCaller(refusal));
        else if (isWebSocket) sendUpgrade(planned, message, exchange);
        else send(planned, message, response, exchange);
      });
      if (sent instanceof Promise) sent.catch((cause: unknown) => exchange.unexpected(cause));
    } catch (cause) {
      exchange.unexpected(cause);
    }
  };
};
