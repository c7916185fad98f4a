/** Whether another attempt at a call follows, and when. */
import type { OutgoingCall } from '../target.ts';
import type { UpstreamFault } from '../upstream.ts';
import { backoffMs, waitMs } from './backoff.ts';
import type { RetryBudget } from './budget.ts';
import { isPassingFailure, isPassingStatus } from './outcome.ts';
import type { RepeatRule } from './repeatable.ts';
import { readRetryAfter } from './retry-after.ts';

export type TryRules = Readonly<{
  mayRepeat: RepeatRule;
  retryCount: number;
  retryDelayMs: number;
  budget: RetryBudget;
  /** Since 1970. */
  wallMs(): number;
  /** From 0 to 1. */
  random(): number;
}>;

/** Whether it can be given to more than one attempt. */
export const isHeld = (body: OutgoingCall['body']): boolean => body === undefined || Buffer.isBuffer(body);

/** Of a body that streams, whether no part of it is gone. */
const isUntouched = (body: OutgoingCall['body']): boolean =>
  body === undefined || Buffer.isBuffer(body) || !(body.readableDidRead || body.destroyed);

const headerOf = (headers: readonly string[], name: string): string | undefined => {
  for (let at = 0; at < headers.length; at += 2) if (headers[at]?.toLowerCase() === name) return headers[at + 1];
  return undefined;
};

/** Of one call: made once its first attempt did not end well. */
export class Tries {
  readonly #rules: TryRules;
  readonly #call: OutgoingCall;
  #retries = 0;
  #hasRenewed = false;

  constructor(rules: TryRules, call: OutgoingCall) {
    this.#rules = rules;
    this.#call = call;
  }

  /** In how many milliseconds the next attempt follows; undefined where the answer is the caller's. */
  afterAnswer(
    status: number,
    headers: readonly string[],
    leftMs: number,
    renew: (() => boolean) | undefined,
  ): number | undefined {
    if (status === 401) {
      // Asked whatever becomes of this call: the next one shall not go out with what was refused.
      const isRenewed = renew?.() === true;
      if (!isRenewed || this.#hasRenewed || !this.#isRepeatable()) return undefined;
      this.#hasRenewed = true;
      return waitMs(0, undefined, leftMs);
    }
    const retryAfterMs = readRetryAfter(headerOf(headers, 'retry-after'), this.#rules.wallMs());
    if (!isPassingStatus(status, retryAfterMs) || !this.#isRepeatable()) return undefined;
    return this.#spend(retryAfterMs, leftMs);
  }

  /** As `afterAnswer`. A call of which nothing left was not made: it may be made now, whatever it does. */
  afterFault({ failure, sent }: UpstreamFault, leftMs: number): number | undefined {
    if (!isPassingFailure(failure)) return undefined;
    const mayFollow = sent ? this.#isRepeatable() : isUntouched(this.#call.body);
    return mayFollow ? this.#spend(undefined, leftMs) : undefined;
  }

  #isRepeatable(): boolean {
    const { method, headers, body, upgrade } = this.#call;
    return upgrade === undefined && isHeld(body) && this.#rules.mayRepeat(method, headers);
  }

  #spend(retryAfterMs: number | undefined, leftMs: number): number | undefined {
    const { retryCount, retryDelayMs, budget, random } = this.#rules;
    if (this.#retries >= retryCount) return undefined;
    const wait = waitMs(backoffMs(this.#retries + 1, retryDelayMs, random()), retryAfterMs, leftMs);
    if (wait === undefined || !budget.withdraw()) return undefined;
    this.#retries += 1;
    return wait;
  }
}
