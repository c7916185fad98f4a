/**
 * Where the payment page hands in its token: `POST /.sallyport/pay`. The token becomes credit, a cookie opens it, and the browser
 * is sent on to the page that was wanted. That request is debited, and not this one.
 */
import type { Middleware } from 'koa';
import { writeTarget } from '../core/canonical.ts';
import { type Decision, deny } from '../core/decision.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import type { Answer, Gate } from '../core/gate.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { isCrossSite } from './cross-site.ts';
import { HeaderLines } from './header-lines.ts';
import { type Incoming, requestIdOf, schemeOf, single, toAuthRequest } from './http-request.ts';
import { type PaymentForm, readPaymentForm } from './payment-form.ts';
import type { Peers } from './peers.ts';
import { problemReply } from './problem.ts';
import { type Reply, replyByKoa } from './reply.ts';

export const PAY = '/.sallyport/pay';

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

type Asked = Readonly<{ request: AuthRequest | undefined; answer: Answer }>;

const refused = (refusal: Refusal): Asked => ({ request: undefined, answer: { decision: deny(refusal), rule: '' } });

const ask = async (gate: Gate, incoming: Incoming): Promise<Asked> => {
  const form = await readPaymentForm(incoming.message);
  if (isRefusal(form)) return refused(form);
  const request = readRequest(incoming, form);
  if (isRefusal(request)) return refused(request);
  if (isCrossSite(incoming, request)) return refused(crossSite);
  return { request, answer: await gate.decide({ request }, 'deposit') };
};

const replyTo = (decision: Decision, request: AuthRequest | undefined): Reply => {
  if (decision.verdict === 'deny') return problemReply(decision.refusal);
  const { 'Set-Cookie': cookie } = decision.client;
  const location = { Location: request ? writeTarget(request) : '/' };
  const headers = cookie ? { ...location, 'Set-Cookie': cookie } : location;
  return { status: 303, headers: [new HeaderLines(headers)], body: '' };
};

export type PayOptions = Readonly<{ gate: Gate; peers: Peers; observe(event: DecisionEvent): void }>;

export const createPayEndpoint =
  ({ gate, peers, observe }: PayOptions): Middleware =>
  async (context, next) => {
    if (context.path !== PAY) return next();
    if (context.method !== 'POST') return replyByKoa(context, problemReply(wrongMethod));
    const startedAt = performance.now();
    const { req: message } = context;
    const peer = peers.of(message.socket);
    const incoming: Incoming = { message, headers: message.headers, target: message.url ?? '', peer, peers };
    const { request, answer } = await ask(gate, incoming);
    const requestId = request?.id ?? requestIdOf(incoming);
    context.set('X-Request-ID', requestId);
    replyByKoa(context, replyTo(answer.decision, request));
    const durationMs = performance.now() - startedAt;
    observe({ ...answer, requestId, dialect: 'page', request, peerIp: peer.ip, durationMs });
  };
