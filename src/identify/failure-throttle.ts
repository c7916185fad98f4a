import { type Identification, rejected } from '../core/identity.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { Intent } from '../core/rule.ts';

/**
 * Slows down guessing. Asked only where a credential is not known to be good already, so that good callers behind the same
 * address are not locked out with the bad one.
 */
export type FailureThrottle = Readonly<{
  /** False once too many bad credentials came from this source. */
  isOpen(source: string): boolean;
  recordFailure(source: string): void;
}>;

export type FloodThrottle = FailureThrottle &
  Readonly<{
    /** True once so many came that what nobody has seen before is not worth a look-up. */
    isFlood(source: string): boolean;
  }>;

export const throttled = rejected(
  refuse('too_many_failures', 'Too many bad credentials came from this address. Try again in a minute.', {
    headers: { 'Retry-After': '60' },
  }),
);

/**
 * The answer to a bad credential that was examined: counted, and hidden once too many came. A preview is counted by the
 * decision that it follows.
 */
export const rejectFrom = (
  throttle: FailureThrottle,
  source: string,
  refusal: Refusal,
  intent: Intent,
): Identification => {
  const isOpen = throttle.isOpen(source);
  if (intent !== 'preview') throttle.recordFailure(source);
  return isOpen ? rejected(refusal) : throttled;
};
