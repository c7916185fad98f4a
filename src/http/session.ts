/**
 * Where payers end their sessions: `DELETE /.sallyport/session`, with one in its cookie or in `X-Payment-Session`. The token
 * still opens what it paid for.
 */
import type { Middleware } from 'koa';
import { refuse } from '../core/refusal.ts';
import { sessionCookie, sessionsIn } from '../core/session-cookie.ts';
import { HeaderLines } from './header-lines.ts';
import { schemeOf, single } from './http-request.ts';
import type { Peers } from './peers.ts';
import { problemReply } from './problem.ts';
import { replyByKoa } from './reply.ts';

const PATH = '/.sallyport/session';

const wrongMethod = refuse('method_not_allowed', 'A session can only be ended. Expected DELETE.', {
  headers: { Allow: 'DELETE' },
});

const noSession = refuse('bad_request', 'No session was sent. Expected one in X-Payment-Session or in its cookie.');

const notEnded = refuse('store_unavailable', 'The session could not be ended. Try again.', {
  headers: { 'Retry-After': '1' },
});

/** `end` ends a session and every other of the same account; one that is unknown is over already. */
export const createSessionEndpoint =
  (peers: Peers, end: (id: string) => Promise<void>, onError: (error: unknown) => void): Middleware =>
  async (context, next) => {
    if (context.path !== PATH) return next();
    if (context.method !== 'DELETE') return replyByKoa(context, problemReply(wrongMethod));
    const { headers, socket } = context.req;
    const scheme = schemeOf({ peer: peers.of(socket), headers });
    const ids = [...sessionsIn(headers.cookie, scheme), single(headers['x-payment-session']) ?? ''].filter(Boolean);
    if (ids.length === 0) return replyByKoa(context, problemReply(noSession));
    try {
      for (const id of ids) await end(id);
    } catch (error) {
      onError(error);
      return replyByKoa(context, problemReply(notEnded));
    }
    const forgotten = new HeaderLines({ 'Set-Cookie': sessionCookie('', 0, scheme) });
    return replyByKoa(context, { status: 204, headers: [forgotten] });
  };
