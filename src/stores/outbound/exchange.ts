/** One bounded HTTP exchange: deadline, size cap, no redirects, no forbidden addresses. */
import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { createGuardedLookup, ForbiddenAddress, isForbiddenAddress, type Resolve } from './address-guard.ts';

// An import would load all of undici, for a WebSocket that nothing here uses: 4 MB.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

export type Exchange = Readonly<{
  url: URL;
  method?: 'GET' | 'POST';
  body?: string;
  headers?: Readonly<Record<string, string>>;
  timeoutMs: number;
  maxBytes: number;
  /** Ends the exchange before its deadline. */
  signal?: AbortSignal | undefined;
}>;

export type ExchangeResult = Readonly<{ status: number; headers: IncomingHttpHeaders; body: string }>;

/** Keeps connections to few origins warm; `close` ends the idle ones. */
export type Outbound = Readonly<{ exchange(exchange: Exchange): Promise<ExchangeResult>; close(): void }>;

/** Ends what is under way. An `AbortSignal` through all of `node:http` would do so too, at half the cost of an exchange. */
type Limit = { isOver: boolean; stop: (error: Error) => void };

/** Throws where the answer is too large, or ends before its end. */
const read = (response: IncomingMessage, maxBytes: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) response.destroy(new Error(`the answer is larger than ${maxBytes} bytes`));
      else chunks.push(chunk);
    });
    response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    response.on('error', reject);
  });

/** `isRefused`: addresses that it never connects to, by a name or as they are. `ca`: the only authority that is believed. */
export const createOutbound = (resolveName?: Resolve, isRefused = isForbiddenAddress, ca?: string): Outbound => {
  const lookup = createGuardedLookup(resolveName, isRefused);
  const agents = {
    'http:': new http.Agent({ keepAlive: true, maxSockets: 32, keepAliveMsecs: 30_000 }),
    'https:': new https.Agent({ keepAlive: true, maxSockets: 32, keepAliveMsecs: 30_000 }),
  };

  const send = (exchange: Exchange, limit: Limit, agent: Agent | false): Promise<ExchangeResult> =>
    new Promise((resolve, reject) => {
      const { url, method = 'GET', body, headers, maxBytes } = exchange;
      const request = (url.protocol === 'https:' ? https : http).request(url, {
        agent,
        method,
        lookup,
        ...(ca !== undefined && { ca }),
        headers: {
          accept: 'application/json',
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...headers,
        },
      });
      limit.stop = (error) => {
        reject(error);
        request.destroy(error);
      };
      request.on('response', (response) => {
        const { statusCode: status = 0, headers: given } = response;
        read(response, maxBytes).then((text) => resolve({ status, headers: given, body: text }), reject);
      });
      request.on('error', (error) => {
        // The server closed a kept connection just as it was used again. To ask once more changes nothing.
        const isStale = request.reusedSocket && method === 'GET' && !limit.isOver;
        if (isStale) send(exchange, limit, false).then(resolve, reject);
        else reject(error);
      });
      request.end(body);
    });

  const sendInTime = async (exchange: Exchange, agent: Agent): Promise<ExchangeResult> => {
    const { timeoutMs, signal } = exchange;
    signal?.throwIfAborted();
    const limit: Limit = { isOver: false, stop: () => undefined };
    const end = (why: string): void => {
      limit.isOver = true;
      limit.stop(new Error(why));
    };
    const timer = setTimeout(end, timeoutMs, `timeout: there was no whole answer within ${timeoutMs} ms`).unref();
    const onAbort = () => end('the exchange was aborted');
    signal?.addEventListener('abort', onAbort);
    try {
      return await send(exchange, limit, agent);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  };

  return {
    /** A redirect is an answer like any other: its status is given, it is not followed. Throws on every failure. */
    async exchange(exchange) {
      const host = exchange.url.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && isRefused(host)) throw new ForbiddenAddress(`${host} is refused`);
      return sendInTime(exchange, agents[exchange.url.protocol === 'https:' ? 'https:' : 'http:']);
    },

    close() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
};
