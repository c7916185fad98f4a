/** Kept connections to one target, by undici. It resends nothing and follows nothing: what it is given leaves once. */
import type { ConnectionOptions } from 'node:tls';
import { type Dispatcher, Pool } from 'undici';
import type { Upstream, UpstreamCall } from '../../egress/upstream.ts';
import { Attempt } from './attempt.ts';
import { CallBody } from './call-body.ts';
import { createConnect } from './connect.ts';

export type UpstreamOptions = Readonly<{
  /** `https://api.example.com`: scheme, host and port. */
  origin: string;
  /** For DNS; refuses forbidden addresses. A host that is an address is never looked up. */
  lookup: NonNullable<ConnectionOptions['lookup']>;
  tls?: Readonly<Pick<ConnectionOptions, 'secureContext' | 'servername'>>;
}>;

const CONNECT_TIMEOUT_MS = 10_000;
/** Shorter than what servers keep: a call on a connection that is just being closed is lost. */
const KEEP_ALIVE_MS = 4_000;
const MAX_ANSWER_HEADER_BYTES = 64 * 1024;

/** What undici takes for a stream: its declaration asks for one of Node's, and it uses no more than this. */
type Body = Dispatcher.DispatchOptions['body'] | Pick<CallBody, 'pause' | 'resume' | 'destroy'>;

type Dispatching = {
  dispatch(
    options: Omit<Dispatcher.DispatchOptions, 'body'> & { body?: Body },
    handler: Dispatcher.DispatchHandler,
  ): boolean;
};

/** Undici writes the length itself where it knows it, and otherwise sends chunks. */
const withLength = ({ headers, body, bodyLength }: UpstreamCall): string[] =>
  bodyLength === undefined || Buffer.isBuffer(body) ? [...headers] : [...headers, 'Content-Length', `${bodyLength}`];

export const createUpstream = ({ origin, lookup, tls }: UpstreamOptions): Upstream => {
  const pool = new Pool(origin, {
    // Said here, for an environment variable of Node's could turn it off.
    connect: createConnect({ timeout: CONNECT_TIMEOUT_MS, lookup, ...tls, allowH2: false, rejectUnauthorized: true }),
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_ANSWER_HEADER_BYTES,
    // Attempts have their own clock, which knows who is waited for.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const dispatching: Dispatching = pool;

  return {
    send(call, receiver) {
      const { method, path, body, timeoutMs, upgrade = null } = call;
      const streamed = body === undefined || Buffer.isBuffer(body) ? undefined : new CallBody(body);
      const attempt = new Attempt(receiver, streamed, timeoutMs);
      const whole = Buffer.isBuffer(body) ? body : null;
      dispatching.dispatch({ method, path, headers: withLength(call), body: streamed ?? whole, upgrade }, attempt);
      return attempt.returned();
    },
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  };
};
