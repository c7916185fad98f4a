/**
 * The public listener. The auth endpoints are answered on the raw response, before Koa: a Koa context costs a quarter of a
 * decision (docs/decisions/0002). Everything else goes through Koa.
 */
import type { RequestListener } from 'node:http';
import Koa, { type Middleware } from 'koa';
import { refuse } from '../core/refusal.ts';
import type { AuthResponse } from './auth-response.ts';
import { type ForwardAuth, isForwardAuth } from './forward-auth.ts';
import { problemReply } from './problem.ts';
import { replyByKoa } from './reply.ts';
import type { Listener } from './server.ts';

const nothingHere = refuse('not_found', 'There is nothing at this address. The auth endpoints are below /auth.');

const notFound: Middleware = (context) => replyByKoa(context, problemReply(nothingHere));

/** The given steps, then 404. */
export const createKoaListener = (steps: readonly Middleware[], onError: (error: unknown) => void): RequestListener => {
  const app = new Koa();
  app.on('error', onError);
  for (const step of steps) app.use(step);
  app.use(notFound);
  return app.callback();
};

export const createMainListener = (
  forwardAuth: ForwardAuth,
  steps: readonly Middleware[],
  onError: (error: unknown) => void,
): Listener => {
  const koa = createKoaListener(steps, onError);

  const failed = (response: AuthResponse, error: unknown): void => {
    onError(error);
    if (!response.headersSent) response.writeHead(503, { 'Content-Length': '0', 'Cache-Control': 'no-store' }).end();
  };

  return (message, response) => {
    if (!isForwardAuth(message.url ?? '')) return void koa(message, response);
    try {
      const answered = forwardAuth(message, response);
      if (answered instanceof Promise) answered.catch((error: unknown) => failed(response, error));
    } catch (error) {
      failed(response, error);
    }
  };
};
