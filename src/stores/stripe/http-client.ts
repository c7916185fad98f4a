/** Stripe's library over the one bounded exchange that all calls to the outside go by. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Stripe } from 'stripe';
import { ForbiddenAddress } from '../outbound/address-guard.ts';
import type { ExchangeResult, Outbound } from '../outbound/exchange.ts';

/**
 * There is no answer. It carries no `code`: at those of closed connections the library would call again by itself,
 * whatever number of retries it was given.
 */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** Whether it certainly did not arrive. */
  readonly isCertain: boolean;

  constructor(message: string, isCertain: boolean) {
    super(message);
    this.isCertain = isCertain;
  }
}

const neverArrived = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];

const toNoAnswer = (error: unknown): NoAnswer => {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const isCertain = neverArrived.includes(code) || error instanceof ForbiddenAddress;
  // Without a code they are the words of the exchange, which quote nothing of what was sent.
  const why = code || (error instanceof Error ? error.message : 'the call failed');
  return new NoAnswer(why, isCertain);
};

const MAX_BYTES = 256 * 1_024;

type HttpClient = NonNullable<NonNullable<ConstructorParameters<typeof Stripe>[1]>['httpClient']>;
type Answer = Awaited<ReturnType<HttpClient['makeRequest']>>;

const single = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

/** The library drops the status of an error whose body is no JSON, as proxies send it. */
const readBody = ({ status, body }: ExchangeResult): unknown => {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (status < 400) throw error;
    return { error: { message: 'an answer that is not of Stripe' } };
  }
};

const toAnswer = (result: ExchangeResult): Answer => ({
  getStatusCode: () => result.status,
  getHeaders: () => single(result.headers),
  getRawResponse: () => ({}),
  toStream: () => {
    throw new Error('streams are not supported');
  },
  toJSON: async () => readBody(result),
});

export const createStripeHttpClient = (outbound: Outbound): HttpClient => ({
  getClientName: () => 'sallyport',

  async makeRequest(host, port, path, method, headers, body, protocol, timeoutMs) {
    if (method !== 'POST') throw new Error(`${method} is not supported`);
    const sent = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
    try {
      const result = await outbound.exchange({
        url: new URL(`${protocol}://${host}:${port}${path}`),
        method,
        headers: Object.fromEntries(sent),
        body,
        timeoutMs,
        maxBytes: MAX_BYTES,
      });
      return toAnswer(result);
    } catch (error) {
      throw toNoAnswer(error);
    }
  },
});
