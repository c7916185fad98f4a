/** One bounded HTTP exchange: deadline, size cap, no redirects, no forbidden addresses. */
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { ForbiddenAddress, guardedLookup, isForbiddenAddress } from './address-guard.ts';

export type Exchange = Readonly<{
  url: URL;
  method?: 'GET' | 'POST';
  body?: string;
  headers?: Readonly<Record<string, string>>;
  timeoutMs: number;
  maxBytes: number;
}>;

export type ExchangeResult = Readonly<{ status: number; headers: http.IncomingHttpHeaders; body: string }>;

/** Keeps connections to few origins warm; `close` ends the idle ones. */
export type Outbound = Readonly<{ exchange(exchange: Exchange): Promise<ExchangeResult>; close(): void }>;

const read = async (response: http.IncomingMessage, maxBytes: number): Promise<string> => {
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

export const createOutbound = (): Outbound => {
  const agents = {
    'http:': new http.Agent({ keepAlive: true, maxSockets: 32, keepAliveMsecs: 30_000 }),
    'https:': new https.Agent({ keepAlive: true, maxSockets: 32, keepAliveMsecs: 30_000 }),
  };

  const send = (exchange: Exchange, signal: AbortSignal): Promise<http.IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { url, method = 'GET', body, headers } = exchange;
      const secure = url.protocol === 'https:';
      const request = (secure ? https : http).request(url, {
        agent: agents[secure ? 'https:' : 'http:'],
        method,
        signal,
        lookup: guardedLookup,
        headers: {
          accept: 'application/json',
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...headers,
        },
      });
      request.on('response', resolve);
      request.on('error', reject);
      request.end(body);
    });

  return {
    /** A redirect is an answer like any other: its status is given, it is not followed. Throws on every failure. */
    async exchange(exchange) {
      const host = exchange.url.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && isForbiddenAddress(host)) throw new ForbiddenAddress(`${host} is refused`);
      const signal = AbortSignal.timeout(exchange.timeoutMs);
      const response = await send(exchange, signal);
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
