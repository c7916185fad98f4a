import { rejected } from '../core/identity.ts';
import { refuse } from '../core/refusal.ts';

/**
 * Slows down guessing. Asked only where a credential is not known to be good already, so that good callers behind the same
 * address are not locked out with the bad one.
 */
export type FailureThrottle = Readonly<{
  /** False once too many bad credentials came from this source. */
  isOpen(source: string): boolean;
  recordFailure(source: string): void;
}>;

export const throttled = rejected(
  refuse('too_many_failures', 'Too many bad credentials came from this address. Try again in a minute.', {
    headers: { 'Retry-After': '60' },
  }),
);
