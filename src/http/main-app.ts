/**
 * The public listener. The auth endpoints are answered on the raw response, before Koa: a Koa context costs a quarter of a
 * decision (docs/decisions/0002). Everything else goes through Koa.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import Koa, { type Middleware } from 'koa';
import type { Eventually } from '../core/eventually.ts';
import { refuse } from '../core/refusal.ts';
import type { AuthResponse } from './auth-response.ts';
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

/** What is answered on the raw response. */
export type Door = Readonly<{
  isFor(url: string, message: IncomingMessage): boolean;
  answer(message: IncomingMessage, response: AuthResponse): Eventually<void>;
}>;

/** The first door that a request is for answers it; `otherwise` the rest. */
export const createDoorListener = (
  doors: readonly Door[],
  otherwise: Listener,
  onError: (error: unknown) => void,
): Listener => {
  const failed = (response: AuthResponse, error: unknown): void => {
    onError(error);
    if (!response.headersSent) response.writeHead(503, { 'Content-Length': '0', 'Cache-Control': 'no-store' }).end();
  };

  return (message, response) => {
    const url = message.url ?? '';
    const door = doors.find((one) => one.isFor(url, message));
    if (!door) return otherwise(message, response);
    try {
      const answered = door.answer(message, response);
      if (answered instanceof Promise) answered.catch((error: unknown) => failed(response, error));
    } catch (error) {
      failed(response, error);
    }
  };
};

export const createMainListener = (
  doors: readonly Door[],
  steps: readonly Middleware[],
  onError: (error: unknown) => void,
): Listener => {
  const koa = createKoaListener(steps, onError);
  return createDoorListener(doors, (message, response) => void koa(message, response), onError);
};

/** For a listener of one door alone, which may be closed. */
export const nobodyAnswers: Listener = (_message, response) => {
  response.writeHead(503, { 'Content-Length': '0', 'Cache-Control': 'no-store' }).end();
};
