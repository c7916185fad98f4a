import type { AskTokenEndpoint } from '../../egress/tokens/grant.ts';
import type { Outbound } from '../outbound/exchange.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 64 * 1024;

/** Redirects are answers, which then are no token. */
export const createTokenEndpoint =
  ({ exchange }: Pick<Outbound, 'exchange'>): AskTokenEndpoint =>
  async ({ url, headers, form }) => {
    const answer = await exchange({
      url: new URL(url),
      method: 'POST',
      body: form,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        // Some providers refuse whoever does not say what it is.
        'user-agent': 'sallyport',
        // Kept connections idle for the life of a token, and what then cuts them would fail the next question.
        connection: 'close',
        ...headers,
      },
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    return { status: answer.status, retryAfter: answer.headers['retry-after'], body: answer.body };
  };
