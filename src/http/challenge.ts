/**
 * The true status, headers and body of a refusal, for nginx, which lets neither through. It asks the gate again as a preview:
 * nothing is counted and nothing spent.
 */
import type { Middleware } from 'koa';
import type { Gate, Question } from '../core/gate.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { CHALLENGE, isChallenge } from './challenge-endpoint.ts';
import { nginx } from './dialects/nginx.ts';
import { type Incoming, requestIdOf, single, toAuthRequest } from './http-request.ts';
import { type PaymentPage, pageFor } from './payment-page.ts';
import type { Peers } from './peers.ts';
import { problemContentType, problemReply } from './problem.ts';
import { type Reply, replyByKoa } from './reply.ts';

/**
 * ingress-nginx sends a refused request to its `default-backend` with the client's own method, headers and body. The
 * controller itself sets `X-Code`, `X-Original-URI` and `Host`; nothing else is believed.
 */
const readDefaultBackend = (incoming: Incoming): Question | Refusal => {
  const { headers, message } = incoming;
  const target = single(headers['x-original-uri']) ?? '';
  const scheme = single(headers['x-forwarded-proto']);
  const request = toAuthRequest(incoming, { method: message.method, host: headers.host, target, scheme });
  return isRefusal(request) ? request : { request };
};

/** Another service's error, for which the controller was told to use this default backend as well. */
const plainError = (status: number): Reply => ({
  status,
  headers: [problemContentType],
  body: JSON.stringify({ type: 'about:blank', status }),
});

const errorStatus = (code: string | undefined): number | undefined =>
  code !== undefined && /^[45]\d\d$/.test(code) ? Number(code) : undefined;

const changed = refuse(
  'decision_changed',
  'The request was refused a moment ago and would be allowed now. Send it again.',
  {
    headers: { 'Retry-After': '1' },
  },
);

export const createChallenge = (gate: Pick<Gate, 'decide'>, peers: Peers, page?: PaymentPage): Middleware => {
  const preview = async (question: Question | Refusal, incoming: Incoming): Promise<Reply> => {
    if (isRefusal(question)) return problemReply(question);
    const { decision } = await gate.decide(question, 'preview');
    const refusal = decision.verdict === 'deny' ? decision.refusal : changed;
    return pageFor(page, refusal, question.request, incoming) ?? problemReply(refusal);
  };

  const replyTo = async (incoming: Incoming): Promise<Reply | undefined> => {
    if (isChallenge(incoming.target)) {
      return preview(nginx.read({ ...incoming, target: incoming.target.slice(CHALLENGE.length) }), incoming);
    }
    // The controller asks for `/`. Whatever else a client can reach through a proxy must not be a way to ask uncounted.
    const status = /^\/(?:$|\?)/.test(incoming.target) ? errorStatus(single(incoming.headers['x-code'])) : undefined;
    if (status === undefined) return undefined;
    return status === 401 || status === 403 ? preview(readDefaultBackend(incoming), incoming) : plainError(status);
  };

  return async (context, next) => {
    const { req: message } = context;
    const peer = peers.of(message.socket);
    const incoming: Incoming = { message, headers: message.headers, target: message.url ?? '', peer, peers };
    const reply = peer.trusted ? await replyTo(incoming) : undefined;
    if (!reply) return next();
    context.set('X-Request-ID', requestIdOf(incoming));
    return replyByKoa(context, reply);
  };
};
