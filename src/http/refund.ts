/**
 * Where payers get back what is left: `POST /.sallyport/refund`, with a session in its cookie or in `X-Payment-Session`, or with
 * the token that paid in `X-Cashu`. Nothing is debited for a page of another site.
 */
import type { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import { parseHost } from '../core/canonical.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { sessionCookie, sessionsIn } from '../core/session-cookie.ts';
import { isCrossSite } from './cross-site.ts';
import { HeaderLines } from './header-lines.ts';
import { schemeOf, single } from './http-request.ts';
import type { Peers } from './peers.ts';
import { problemReply } from './problem.ts';
import { type Reply, replyByKoa } from './reply.ts';

const PATH = '/.sallyport/refund';

export type RefundProof = Readonly<{ sessions: readonly string[]; token: string | undefined; clientIp: string }>;

/** `token`: of so much, which may be less than what was left by the mint's fee. */
export type RefundDocument = Readonly<{ token: string; mint: string; unit: string; amount: number }>;

const wrongMethod = refuse('method_not_allowed', 'Refunds are asked for here. Expected POST.', {
  headers: { Allow: 'POST' },
});

const crossSite = refuse('cross_site', 'A page of another site asked for this refund.');

const nothingShown = refuse(
  'bad_request',
  'Expected a session, in X-Payment-Session or in its cookie, or the token that paid, in X-Cashu.',
);

const twoShown = refuse('ambiguous_credentials', 'A session and a token were sent. Expected one of them.');

const failed = refuse('store_unavailable', 'The refund could not be made. Nothing is lost: ask again.', {
  headers: { 'Retry-After': '5' },
});

export type RefundEndpointOptions = Readonly<{
  peers: Peers;
  refund(shown: RefundProof): Promise<RefundDocument | Refusal>;
  onError(error: unknown): void;
}>;

const json = (document: RefundDocument, scheme: 'http' | 'https'): Reply => ({
  status: 200,
  headers: [new HeaderLines({ 'Content-Type': 'application/json', 'Set-Cookie': sessionCookie('', 0, scheme) })],
  body: JSON.stringify(document),
});

const readShown = ({ headers, socket }: IncomingMessage, peers: Peers): RefundProof | Refusal => {
  const peer = peers.of(socket);
  const scheme = schemeOf({ peer, headers });
  const host = parseHost(headers.host);
  if (isRefusal(host)) return host;
  if (isCrossSite({ headers }, { host, scheme })) return crossSite;
  const sessions = [...sessionsIn(headers.cookie, scheme), single(headers['x-payment-session']) ?? ''].filter(Boolean);
  const token = single(headers['x-cashu']);
  if (sessions.length === 0 && token === undefined) return nothingShown;
  if (sessions.length > 0 && token !== undefined) return twoShown;
  const clientIp = peers.clientIp(peer, single(headers['x-forwarded-for']), single(headers['x-real-ip']));
  return { sessions, token, clientIp };
};

export const createRefundEndpoint =
  ({ peers, refund, onError }: RefundEndpointOptions): Middleware =>
  async (context, next) => {
    if (context.path !== PATH) return next();
    const { req } = context;
    const reply = (refusal: Refusal) => replyByKoa(context, problemReply(refusal));
    if (context.method !== 'POST') return reply(wrongMethod);
    const shown = readShown(req, peers);
    if (isRefusal(shown)) return reply(shown);
    try {
      const answer = await refund(shown);
      if (isRefusal(answer)) return reply(answer);
      return replyByKoa(context, json(answer, schemeOf({ peer: peers.of(req.socket), headers: req.headers })));
    } catch (error) {
      onError(error);
      return reply(failed);
    }
  };
