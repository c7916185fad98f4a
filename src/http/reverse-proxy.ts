/** Standing in the path: what the gate allows goes to the service behind, by the engine that carries calls of egress. */
import type { IncomingMessage } from 'node:http';
import { type Decision, deny } from '../core/decision.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import { whenReady } from '../core/eventually.ts';
import type { Gate } from '../core/gate.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Routes } from '../core/routes.ts';
import { rawPath } from '../egress/call-path.ts';
import type { Admission } from '../egress/callers.ts';
import { type Joining, joinPath } from '../egress/join.ts';
import { withoutParameters, withQuery } from '../egress/query.ts';
import type { Target } from '../egress/target.ts';
import type { AuthResponse } from './auth-response.ts';
import { type CallerSources, callerRequest } from './egress-caller.ts';
import { refusedAtOnce, refusedByRule, refusedCaller } from './egress-refusals.ts';
import { asksForWebSocket } from './egress-socket.ts';
import type { ProxiedCredentials } from './proxied-credentials.ts';
import type { ProxiedHeaders } from './proxied-headers.ts';
import { correlationIdOf, type ProxiedRequest, readProxied } from './proxied-request.ts';
import { type ObserveProxied, ProxyExchange, type ProxyStory } from './proxy-exchange.ts';
import { sendCall, sendUpgrade } from './send-call.ts';

export type ProxyRoute = Readonly<{
  /** Of its rule, and in logs and metrics. */
  name: string;
  target: Target;
  /** Who may use the credentials of the target, where it says so itself. */
  admission: Admission | undefined;
  joining: Joining;
  /** Parameters of the query that credentials of the target set. */
  ownParameters: readonly string[];
  headers: ProxiedHeaders;
  timeoutMs: number;
  websocket: boolean;
}>;

export type ReverseProxyParts = CallerSources &
  Readonly<{
    routes: Routes<ProxyRoute>;
    gate: Pick<Gate, 'decide'>;
    credentials: ProxiedCredentials;
    /** Told of every decision. */
    decided(event: DecisionEvent): void;
    /** Told of every request when it has ended. */
    observe: ObserveProxied;
  }>;

export type ReverseProxy = (message: IncomingMessage, response: AuthResponse) => void;

export const noRoute = refuse('no_route', 'No route is for this path and method.');
const noWebSocket = refuse('upgrade_refused', 'The route takes no WebSocket.');

/** One request, from its arrival until it is sent on. */
class Passage {
  readonly #parts: ReverseProxyParts;
  readonly #message: IncomingMessage;
  readonly #response: AuthResponse;
  readonly #exchange: ProxyExchange;
  readonly #story: ProxyStory;

  constructor(parts: ReverseProxyParts, message: IncomingMessage, response: AuthResponse) {
    const peer = parts.peers.of(message.socket);
    this.#parts = parts;
    this.#message = message;
    this.#response = response;
    this.#story = {
      requestId: correlationIdOf(message, peer),
      startedAt: performance.now(),
      method: message.method ?? '',
      path: rawPath(message.url ?? ''),
      peerIp: peer.ip,
      request: undefined,
      route: '',
      downstream: '',
      decision: undefined,
    };
    this.#exchange = new ProxyExchange(message, response, this.#story, parts.observe);
  }

  begin(): void {
    try {
      const going = this.#decide();
      if (going instanceof Promise) going.catch((cause: unknown) => this.#exchange.unexpected(cause));
    } catch (cause) {
      this.#exchange.unexpected(cause);
    }
  }

  #decide(): void | Promise<void> {
    const { peers, credentials, routes, gate } = this.#parts;
    const message = this.#message;
    const id = this.#story.requestId;
    const request = readProxied({ message, peer: peers.of(message.socket), peers, id }, credentials);
    if (isRefusal(request)) {
      this.#refuse(request);
      return;
    }
    this.#story.request = request;
    const route = routes.find('', request.path, request.method);
    if (!route) {
      this.#refuse(noRoute);
      return;
    }
    this.#story.route = route.name;
    const isWebSocket = message.headers.upgrade !== undefined && asksForWebSocket(message);
    if (isWebSocket && !(route.websocket && request.method === 'GET')) {
      this.#refuse(noWebSocket);
      return;
    }
    return whenReady(gate.decide({ request, ruleName: route.name }, 'enforce'), ({ decision }) => {
      this.#tell(decision);
      if (decision.verdict === 'deny') this.#exchange.failed(refusedByRule(decision.refusal));
      // Whoever has left meanwhile is not waited for any more.
      else if (!this.#exchange.isOver) return this.#admit(route, request, decision, isWebSocket);
    });
  }

  #admit(
    route: ProxyRoute,
    request: ProxiedRequest,
    decision: Extract<Decision, { verdict: 'allow' }>,
    isWebSocket: boolean,
  ): void | Promise<void> {
    const { admission } = route;
    if (!admission) return this.#send(route, request, decision, isWebSocket);
    const caller = callerRequest(this.#message, request.peer, this.#parts);
    return whenReady(admission.admit(caller), ({ refusal }) => {
      if (refusal) this.#exchange.failed(refusedCaller(refusal));
      else if (!this.#exchange.isOver) this.#send(route, request, decision, isWebSocket);
    });
  }

  #send(
    { target, joining, ownParameters, headers, timeoutMs }: ProxyRoute,
    request: ProxiedRequest,
    decision: Extract<Decision, { verdict: 'allow' }>,
    isWebSocket: boolean,
  ): void {
    const exchange = this.#exchange;
    const { query, method } = request;
    const path = joinPath(request.callPath, joining);
    if (isRefusal(path)) {
      exchange.failed(refusedAtOnce(path));
      return;
    }
    this.#story.downstream = target.name;
    exchange.client = decision.client;
    const outgoing = {
      method,
      path: query === '' ? path : withQuery(path, withoutParameters(query, ownParameters), ''),
      headers: headers.write(request, decision),
      timeoutMs,
    };
    if (isWebSocket) sendUpgrade(target, outgoing, this.#message, exchange);
    else sendCall(target, outgoing, this.#message, this.#response, exchange);
  }

  #refuse(refusal: Refusal): void {
    this.#tell(deny(refusal));
    this.#exchange.failed(refusedByRule(refusal));
  }

  #tell(decision: Decision): void {
    const { requestId, route: rule, request, peerIp, startedAt } = this.#story;
    this.#story.decision = decision;
    const durationMs = performance.now() - startedAt;
    this.#parts.decided({ requestId, dialect: 'proxy', rule, decision, request, peerIp, durationMs });
  }
}

export const createReverseProxy =
  (parts: ReverseProxyParts): ReverseProxy =>
  (message, response) =>
    new Passage(parts, message, response).begin();
