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

const read = async (response: IncomingMessage, maxBytes: number): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      response.destroy();
      throw new Error(`the answer is larger than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** `isRefused`: addresses that it never connects to, by a name or as they are. */
export const createOutbound = (resolveName?: Resolve, isRefused = isForbiddenAddress): Outbound => {
  const lookup = createGuardedLookup(resolveName, isRefused);
  const agents = {
    'http:': new http.Agent({ keepAlive: true, maxSockets: 32, keepAliveMsecs: 30_000 }),
    'https:': new https.Agent({ keepAlive: true, maxSockets: 32, keepAliveMsecs: 30_000 }),
  };

  const send = (exchange: Exchange, signal: AbortSignal, agent: Agent | false): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { url, method = 'GET', body, headers } = exchange;
      const request = (url.protocol === 'https:' ? https : http).request(url, {
        agent,
        method,
        signal,
        lookup,
        headers: {
          accept: 'application/json',
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...headers,
        },
      });
      request.on('response', resolve);
      request.on('error', (error) => {
        // The server closed a kept connection just as it was used again. To ask once more changes nothing.
        const isStale = request.reusedSocket && method === 'GET' && !signal.aborted;
        if (isStale) send(exchange, signal, false).then(resolve, reject);
        else reject(error);
      });
      request.end(body);
    });

  return {
    /** A redirect is an answer like any other: its status is given, it is not followed. Throws on every failure. */
    async exchange(exchange) {
      const host = exchange.url.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && isRefused(host)) throw new ForbiddenAddress(`${host} is refused`);
      const deadline = AbortSignal.timeout(exchange.timeoutMs);
      const signal = exchange.signal ? AbortSignal.any([deadline, exchange.signal]) : deadline;
      const agent = agents[exchange.url.protocol === 'https:' ? 'https:' : 'http:'];
      const response = await send(exchange, signal, agent);
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: await read(response, exchange.maxBytes),
      };
    },

    close() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
};
