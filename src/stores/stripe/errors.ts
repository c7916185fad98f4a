/** What an error of Stripe's library says of a meter event. https://docs.stripe.com/api/errors */
import type { Stripe } from 'stripe';
import type { ReconcileReason } from '../../usage/billing/billing-store.ts';
import type { SinkAnswer } from '../../usage/billing/sink.ts';
import { NoAnswer } from './http-client.ts';

const LONGEST_DETAIL = 300;

/** Stripe's words, of which some quote the key, without control characters. */
export const readable = (text: string, secret: string): string =>
  text
    .replaceAll(secret, '[redacted]')
    .replace(/\b(?:sk|rk|pk|ek)_[\w*]+/g, '[redacted]')
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, LONGEST_DETAIL)
    .toWellFormed();

/** Seconds, or a date (RFC 9110, 10.2.3). */
const readRetryAfter = (headers: Readonly<Record<string, string>>): number | undefined => {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - Date.now());
};

type Read = Readonly<{
  status: number;
  code: string;
  rawType: string;
  message: string;
  shouldRetry: string | undefined;
}>;

const reasonOf = ({ code, message }: Read): ReconcileReason => {
  if (code === 'timestamp_too_far_in_past' || /in (?:the )?past/i.test(message)) return 'too_old';
  if (/customer/i.test(code) || /no such customer|customer/i.test(message)) return 'unknown_customer';
  if (/meter/i.test(code) || /meter|event_name/i.test(message)) return 'unknown_meter';
  return 'refused';
};

const readRefusal = (read: Read, identifier: string): SinkAnswer => {
  const { status, code, rawType, message, shouldRetry } = read;
  const isKnown = code === 'duplicate_meter_event' || /already exists with identifier/i.test(message);
  if (isKnown && message.includes(identifier)) return { answer: 'accepted' };
  if (shouldRetry === 'true') return { answer: 'unclear', answered: true, detail: `${status}: ${message}` };
  // A clock that is ahead is caught up with.
  if (code === 'timestamp_in_future' || /in the future/i.test(message)) {
    return { answer: 'not_taken', why: 'busy', detail: message };
  }
  // A proxy's 404 is not Stripe's.
  if (rawType !== 'invalid_request_error' && rawType !== 'idempotency_error') {
    return { answer: 'unclear', answered: true, detail: `${status}: ${message}` };
  }
  return { answer: 'refused', reason: reasonOf(read), detail: message };
};

const readConflict = ({ code, message, shouldRetry }: Read): SinkAnswer => {
  // The call before is still at work: its answer is given to whoever asks again in the same words.
  if (code === 'idempotency_key_in_use') return { answer: 'unclear', answered: false, detail: message };
  if (shouldRetry === 'false') return { answer: 'refused', reason: 'not_to_be_retried', detail: message };
  return { answer: 'not_taken', why: 'busy', detail: message };
};

const readStatus = (read: Read, identifier: string, retryAfterMs: number | undefined): SinkAnswer => {
  const { status, code, message } = read;
  const detail = `${status}: ${message}`;
  if (status === 401 || status === 403) return { answer: 'not_taken', why: 'unauthorized', detail };
  if (status === 409) return readConflict(read);
  if (status === 429) {
    return { answer: 'not_taken', why: code === 'lock_timeout' ? 'busy' : 'rate_limited', detail, retryAfterMs };
  }
  if (status >= 400 && status < 500) return readRefusal(read, identifier);
  return { answer: 'unclear', answered: true, detail, retryAfterMs };
};

/** `identifier`: of the event that was sent. Never throws. */
export const readStripeError = (
  error: Stripe.errors.StripeError,
  { identifier, secret }: Readonly<{ identifier: string; secret: string }>,
): SinkAnswer => {
  const detail: unknown = error.detail;
  if (detail instanceof NoAnswer) {
    return detail.isCertain
      ? { answer: 'not_taken', why: 'unreachable', detail: detail.message }
      : { answer: 'unclear', answered: false, detail: detail.message };
  }
  const headers = error.headers ?? {};
  const read: Read = {
    status: error.statusCode ?? 0,
    code: error.code ?? '',
    rawType: error.rawType ?? '',
    message: readable(error.message, secret),
    shouldRetry: headers['stripe-should-retry'],
  };
  return readStatus(read, identifier, readRetryAfter(headers));
};
