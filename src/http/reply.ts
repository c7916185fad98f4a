import type { Context } from 'koa';
import type { AuthResponse } from './auth-response.ts';
import { HeaderLines } from './header-lines.ts';

/** Each header is in one of `headers` alone. */
export type Reply = Readonly<{ status: number; headers: readonly HeaderLines[]; body?: string }>;

/** No answer may be kept: a cached decision would outlive its credential. */
export const neverCached = new HeaderLines({ 'Cache-Control': 'no-store' });

/** `requestId` has been found fit for a header. */
export const sendReply = (response: AuthResponse, { status, headers, body = '' }: Reply, requestId: string): void => {
  let lines = `X-Request-ID: ${requestId}\r\n${neverCached.text}`;
  for (const { text } of headers) lines += text;
  response.send(status, lines, body);
};

/** The same where Koa answers. */
export const replyByKoa = (context: Context, { status, headers, body }: Reply): void => {
  for (const some of [neverCached, ...headers]) context.set(some.headers);
  context.status = status;
  context.body = body;
};
