/**
 * Where the payment page hands in its token: `POST /.sallyport/pay`. The token becomes credit, a cookie opens it, and the browser
 * is sent on to the page that was wanted. That request is debited, and not this one.
 */
import type { Middleware } from 'koa';
import { writeTarget } from '../core/canonical.ts';
import { deny, type Headers } from '../core/decision.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import type { Answer, Gate } from '../core/gate.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { isCrossSite } from './cross-site.ts';
import { HeaderLines } from './header-lines.ts';
import { type Incoming, requestIdOf, schemeOf, single, toAuthRequest } from './http-request.ts';
import { type PaymentForm, readPaymentForm } from './payment-form.ts';
import { PAY, type PaymentPage } from './payment-page.ts';
import type { Peers } from './peers.ts';
import { problemReply } from './problem.ts';
import { type Reply, replyByKoa } from './reply.ts';

const wrongMethod = refuse('method_not_allowed', 'Tokens are handed in here. Expected POST.', {
  headers: { Allow: 'POST' },
});

const crossSite = refuse(
  'cross_site',
  'A page of another site sent this form. Open the page that you want to pay for.',
);

const visible = /^[\u0021-\u007e]+$/;

/** The request that is to be paid for. A token besides, in a header of its own, makes two values of one, which are refused. */
const readRequest = (incoming: Incoming, { token, to, amount }: PaymentForm): AuthRequest | Refusal => {
  if (!visible.test(to)) return refuse('ambiguous_path', 'The form does not say which page is to be paid for.');
  const { headers } = incoming;
  const tokens = [single(headers['x-cashu']), token].filter(Boolean).join(', ');
  // It can only raise the price, as whatever a client says there.
  const required = amount === '' ? {} : { 'x-required-amount': amount };
  return toAuthRequest(
    { ...incoming, headers: { ...headers, 'x-cashu': tokens, ...required } },
    { method: 'GET', host: headers.host, target: to, scheme: schemeOf(incoming) },
  );
};

type Asked = Readonly<{ request: AuthRequest; token: string; answer: Answer }>;

const refused = (refusal: Refusal): Answer => ({ decision: deny(refusal), rule: '' });

const ask = async (gate: Gate, incoming: Incoming): Promise<Asked | Refusal> => {
  const form = await readPaymentForm(incoming.message);
  if (isRefusal(form)) return form;
  const request = readRequest(incoming, form);
  if (isRefusal(request)) return request;
  if (isCrossSite(incoming, request)) return { request, token: '', answer: refused(crossSite) };
  return { request, token: form.token, answer: await gate.decide({ request }, 'deposit') };
};

const onwards = (client: Headers, request: AuthRequest): Reply => {
  const { 'Set-Cookie': cookie } = client;
  const location = { Location: writeTarget(request) };
  const headers = cookie ? { ...location, 'Set-Cookie': cookie } : location;
  return { status: 303, headers: [new HeaderLines(headers)], body: '' };
};

export type PayOptions = Readonly<{
  gate: Gate;
  peers: Peers;
  page: PaymentPage;
  observe(event: DecisionEvent): void;
}>;

export const createPayEndpoint = ({ gate, peers, page, observe }: PayOptions): Middleware => {
  const replyTo = ({ request, token, answer: { decision } }: Asked, incoming: Incoming): Reply => {
    if (decision.verdict === 'allow') return onwards(decision.client, request);
    const { refusal } = decision;
    return page({ refusal, invite: gate.invite({ request }), request, token }, incoming) ?? problemReply(refusal);
  };

  return async (context, next) => {
    if (context.path !== PAY) return next();
    if (context.method !== 'POST') return replyByKoa(context, problemReply(wrongMethod));
    const startedAt = performance.now();
    const { req: message } = context;
    const peer = peers.of(message.socket);
    const incoming: Incoming = { message, headers: message.headers, target: message.url ?? '', peer, peers };
    const asked = await ask(gate, incoming);
    const { request, answer } = isRefusal(asked) ? { request: undefined, answer: refused(asked) } : asked;
    const requestId = request?.id ?? requestIdOf(incoming);
    context.set('X-Request-ID', requestId);
    replyByKoa(context, isRefusal(asked) ? problemReply(asked) : replyTo(asked, incoming));
    const durationMs = performance.now() - startedAt;
    observe({ ...answer, requestId, dialect: 'page', request, peerIp: peer.ip, durationMs });
  };
};
