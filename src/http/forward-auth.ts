/** The forward-auth endpoints: `/auth`, `/auth/<dialect>` and everything below them, for every method. */
import type { IncomingMessage } from 'node:http';
import { type Decision, deny } from '../core/decision.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import { type Eventually, whenReady } from '../core/eventually.ts';
import type { Answer, Gate, Question } from '../core/gate.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { AuthResponse } from './auth-response.ts';
import { isChallenge } from './challenge-endpoint.ts';
import { detectDialect } from './dialects/detect.ts';
import type { Dialect } from './dialects/dialect.ts';
import { envoy } from './dialects/envoy.ts';
import { caddy, haproxy, traefik } from './dialects/forwarded.ts';
import { native } from './dialects/native.ts';
import { nginx } from './dialects/nginx.ts';
import { type Incoming, requestIdOf } from './http-request.ts';
import { type PaymentPage, pageFor } from './payment-page.ts';
import type { Peers } from './peers.ts';
import { type Reply, sendReply } from './reply.ts';

export type ForwardAuth = (message: IncomingMessage, response: AuthResponse) => Eventually<void>;

const dialects = new Map([nginx, traefik, envoy, caddy, haproxy, native].map((dialect) => [dialect.name, dialect]));

type Asked = Readonly<{ dialect: Dialect; question: Question | Refusal }>;

const unknownEndpoint = refuse(
  'incomplete_question',
  `No such endpoint. Expected /auth/ and one of ${[...dialects.keys()].join(', ')}.`,
);

const nothingFollows = refuse('incomplete_question', 'Nothing may follow the endpoint but a query.');

/** Where the question itself is refused before a dialect is known, it is answered in full. */
const plainly = (refusal: Refusal): Asked => ({ dialect: { ...native, name: 'unknown' }, question: refusal });

const ask = (incoming: Incoming, name: string | undefined): Asked => {
  const dialect = name === undefined ? detectDialect(incoming) : dialects.get(name);
  if (dialect === undefined) return plainly(unknownEndpoint);
  if (isRefusal(dialect)) return plainly(dialect);
  // A proxy that passes `/.sallyport/` on may be shown `/auth/nginx/../../.sallyport/` by a client who describes a request itself.
  if (dialect.needsTrust && incoming.target.startsWith('/')) return plainly(nothingFollows);
  if (dialect.needsTrust && !incoming.peer.trusted) {
    const detail = `Forwarded headers count only from trusted_proxies, and ${incoming.peer.ip} is not one of them.`;
    return { dialect, question: refuse('untrusted_proxy', detail) };
  }
  return { dialect, question: dialect.read(incoming) };
};

const answer = ({ dialect, question }: Asked, decision: Decision, incoming: Incoming, page?: PaymentPage): Reply => {
  if (decision.verdict === 'allow') return dialect.allow(decision, incoming);
  const { refusal } = decision;
  const shown = dialect.tellsBody && !isRefusal(question) && pageFor(page, refusal, question.request, incoming);
  return shown || dialect.deny(refusal);
};

const decide = (gate: Pick<Gate, 'decide'>, question: Question | Refusal): Eventually<Answer> =>
  isRefusal(question) ? { decision: deny(question), rule: '' } : gate.decide(question, 'enforce');

const PREFIX = '/auth';

export const isForwardAuth = (url: string): boolean => {
  if (!url.startsWith(PREFIX)) return false;
  const next = url[PREFIX.length];
  return (next === undefined || next === '/' || next === '?') && !isChallenge(url);
};

/** Where the dialect's name ends in the URL of an auth endpoint; where it names none, the prefix. */
const endOfName = (url: string): number => {
  if (url[PREFIX.length] !== '/') return PREFIX.length;
  let end = PREFIX.length + 1;
  while (end < url.length && url[end] !== '/' && url[end] !== '?') end++;
  return end;
};

export const createForwardAuth =
  (
    gate: Pick<Gate, 'decide'>,
    peers: Peers,
    observe: (event: DecisionEvent) => void,
    page?: PaymentPage,
  ): ForwardAuth =>
  (message, response) => {
    const startedAt = performance.now();
    const url = message.url ?? '';
    const end = endOfName(url);
    const peer = peers.of(message.socket);
    const incoming: Incoming = { message, headers: message.headers, target: url.slice(end), peer, peers };

    const asked = ask(incoming, end > PREFIX.length ? url.slice(PREFIX.length + 1, end) : undefined);
    const { question, dialect } = asked;
    const request = isRefusal(question) ? undefined : question.request;
    const requestId = request?.id ?? requestIdOf(incoming);

    return whenReady(decide(gate, question), ({ decision, rule }) => {
      sendReply(response, answer(asked, decision, incoming, page), requestId);
      const durationMs = performance.now() - startedAt;
      observe({ requestId, dialect: dialect.name, rule, decision, request, peerIp: peer.ip, durationMs });
    });
  };
