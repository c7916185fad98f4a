/** Answers that are neither yes nor no: never 402, for a payer must not be asked twice. */
import { type Refusal, refuse } from '../core/refusal.ts';

const retryAfter = (seconds: number) => ({ 'Retry-After': String(seconds) });

const waiting = 'The mint has not confirmed the token yet. It is not lost: send the same token again, no other.';

export const uncertain: Refusal = refuse('payment_uncertain', waiting, { headers: retryAfter(2) });

export const uncertainUntil = (untilMs: number, nowMs: number): Refusal =>
  refuse('payment_uncertain', waiting, { headers: retryAfter(Math.max(1, Math.ceil((untilMs - nowMs) / 1000))) });

export const unreachable = (cause: unknown): Refusal =>
  refuse('payment_uncertain', 'The mint cannot be reached. The token was not touched: send it again.', {
    headers: retryAfter(5),
    cause,
  });

export const storeFailed = (cause: unknown): Refusal =>
  refuse('store_unavailable', 'Payments cannot be taken now. The token was not lost: send it again.', {
    headers: retryAfter(5),
    cause,
  });

export const heldOff: Refusal = refuse(
  'too_many_failures',
  'Too many worthless tokens came from this address. The token was not touched: send it again in a minute.',
  { headers: retryAfter(60) },
);
