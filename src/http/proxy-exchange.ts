/** One request through the reverse proxy on its way, and what is told of it. */
import type { IncomingMessage } from 'node:http';
import type { AccessEvent } from '../core/access-event.ts';
import type { Decision, Headers } from '../core/decision.ts';
import type { AuthRequest } from '../core/request.ts';
import { createAnswerFilter } from '../egress/headers.ts';
import type { AuthResponse } from './auth-response.ts';
import { CallExchange, type CallOutcome } from './call-exchange.ts';
import { HeaderLines } from './header-lines.ts';
import { type Reply, sendReply } from './reply.ts';

/** What is known of a request from its beginning on. */
export type ProxyStory = {
  readonly requestId: string;
  readonly startedAt: number;
  readonly method: string;
  /** As the caller wrote it, without the query. */
  readonly path: string;
  readonly peerIp: string;
  /** Missing where it could not be read. */
  request: AuthRequest | undefined;
  /** Of the route; empty where there is none. */
  route: string;
  /** The name of the target; empty where nobody was asked. */
  downstream: string;
  /** Missing where it was not decided before the caller left. */
  decision: Decision | undefined;
};

/** What is told of every request, answered or not. Nothing in it is secret. */
export type ProxyEvent = AccessEvent & CallOutcome;

export type ObserveProxied = (event: ProxyEvent) => void;

const correlation = ['X-Correlation-ID', 'X-Request-ID'];
const withoutOurs = createAnswerFilter(correlation);

export class ProxyExchange extends CallExchange {
  readonly story: ProxyStory;
  readonly #observe: ObserveProxied;
  /** What the decision tells the caller besides the answer. */
  client: Headers | undefined;

  constructor(message: IncomingMessage, response: AuthResponse, story: ProxyStory, observe: ObserveProxied) {
    super(message, response);
    this.story = story;
    this.#observe = observe;
  }

  protected override answerHeaders(raw: readonly string[], isEmpty: boolean): string[] {
    const { requestId } = this.story;
    const headers = withoutOurs(raw, isEmpty);
    headers.push('X-Correlation-ID', requestId, 'X-Request-ID', requestId);
    if (this.client) for (const name of Object.keys(this.client)) headers.push(name, this.client[name] ?? '');
    return headers;
  }

  protected override sendRefusal(response: AuthResponse, reply: Reply): void {
    const { requestId } = this.story;
    const own = new HeaderLines({ 'X-Correlation-ID': requestId });
    sendReply(response, { ...reply, headers: [...reply.headers, own] }, requestId);
  }

  protected override told({ status, attempts, credentialVersion, error, cause }: CallOutcome): void {
    const { requestId, startedAt, method, path, peerIp, request, route, downstream, decision } = this.story;
    const durationMs = performance.now() - startedAt;
    const told = { requestId, method, path, peerIp, request, route, downstream, decision, durationMs };
    this.#observe({ ...told, status, attempts, credentialVersion, error, cause });
  }
}
