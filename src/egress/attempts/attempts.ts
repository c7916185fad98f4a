/** Tries again where nothing can be done twice, and does not try at all where a target has had enough. */
import type { Duplex } from 'node:stream';
import type { CallReceiver, CallRefused, OutgoingCall, SendCall } from '../target.ts';
import type { Sending, UpstreamFault } from '../upstream.ts';
import type { Breaker } from './breaker.ts';
import { healthOfFailure, healthOfStatus } from './outcome.ts';
import type { Slots } from './slots.ts';
import { isHeld, Tries, type TryRules } from './tries.ts';

/** The budget, the breaker and the slots are the target's. */
export type AttemptsParts = Readonly<{
  /** Makes one attempt. */
  send: SendCall;
  rules: TryRules;
  breaker: Breaker;
  slots: Slots;
  /** Of a clock that never goes back. */
  nowMs(): number;
  /** Gives what takes it back. */
  after(ms: number, then: () => void): () => void;
}>;

/** Of an answer that is not passed on: more than this, and its connection is given up rather than read to its end. */
const MOST_DISCARDED = 64 * 1024;

const BUSY_RETRY_MS = 1_000;

const busy = (cause: string): CallRefused => ({ why: 'busy', retryAfterMs: BUSY_RETRY_MS, cause });

const ABORTED: UpstreamFault = { failure: 'aborted', sent: false, message: 'the caller left between two attempts' };

type Stage =
  /** Waiting for a slot. */
  | 'line'
  /** An attempt is under way, and its answer has not begun. */
  | 'trying'
  /** The answer is read to its end, and another attempt follows. */
  | 'discarding'
  /** Between two attempts. */
  | 'pausing'
  /** The answer goes to the caller: from here on, nothing is repeated. */
  | 'answering'
  | 'over';

/** One object for a call with all its attempts: what its caller holds, and what each attempt reports to. */
class CallWithAttempts implements CallReceiver, Sending {
  readonly #parts: AttemptsParts;
  readonly #call: OutgoingCall;
  readonly #receiver: CallReceiver;
  readonly #sinceMs: number;
  #stage: Stage = 'line';
  #sending: Sending | undefined;
  #ticket = -1;
  #tries: Tries | undefined;
  #renew: (() => boolean) | undefined;
  /** The credentials of the attempt are there, so that from now on the target is waited for. */
  #isDressed = false;
  #wasSent = false;
  #discarded = 0;
  #isDue = false;
  /** By our deadline, or because its caller left. */
  #ended: 'timeout' | 'aborted' | undefined;
  #leaveLine: (() => void) | undefined;
  #stopPause: (() => void) | undefined;
  #stopDeadline: (() => void) | undefined;

  constructor(parts: AttemptsParts, call: OutgoingCall, receiver: CallReceiver) {
    this.#parts = parts;
    this.#call = call;
    this.#receiver = receiver;
    this.#sinceMs = parts.nowMs();
  }

  begin(): void {
    const { rules, slots } = this.#parts;
    rules.budget.deposit();
    if (slots.take()) {
      this.#try();
      return;
    }
    this.#leaveLine = slots.line(() => this.#try());
    if (this.#leaveLine) this.#keepDeadline();
    else queueMicrotask(() => this.#refuse(busy('too many calls wait for a place')));
  }

  attempt(credentialVersion: string, renew?: () => boolean): void {
    this.#renew = renew;
    this.#isDressed = true;
    // A body that streams has a deadline of its own: it lasts for as long as the target takes its parts.
    if (!isHeld(this.#call.body)) this.#dropDeadline();
    this.#receiver.attempt(credentialVersion);
  }

  refuse(refused: CallRefused): void {
    this.#parts.breaker.settle(this.#ticket, 'neither');
    this.#refuse(refused);
  }

  head(status: number, headers: readonly string[]): void {
    this.#wasSent = true;
    this.#parts.breaker.settle(this.#ticket, healthOfStatus(status));
    const wait =
      status < 400 || this.#ended !== undefined
        ? undefined
        : this.#triesSoFar().afterAnswer(status, headers, this.#leftMs(), this.#renew);
    if (wait !== undefined) {
      this.#stage = 'discarding';
      this.#discarded = 0;
      this.#pauseFor(wait);
      return;
    }
    this.#stage = 'answering';
    this.#dropDeadline();
    this.#receiver.head(status, headers);
  }

  /** The call lasts, and keeps its slot, until the socket ends. */
  switched(headers: readonly string[], socket: Duplex): void {
    this.#parts.breaker.settle(this.#ticket, 'good');
    this.#stage = 'answering';
    this.#dropDeadline();
    socket.once('close', () => {
      if (this.#stage !== 'over') this.#finish();
    });
    if (this.#receiver.switched) this.#receiver.switched(headers, socket);
    else socket.destroy();
  }

  data(chunk: Buffer): void {
    if (this.#stage !== 'discarding') {
      this.#receiver.data(chunk);
      return;
    }
    this.#discarded += chunk.length;
    if (this.#discarded > MOST_DISCARDED) this.#sending?.abort();
  }

  end(): void {
    if (this.#stage === 'discarding') {
      this.#hasDiscarded();
      return;
    }
    this.#finish();
    this.#receiver.end();
  }

  fail(fault: UpstreamFault): void {
    this.#wasSent ||= fault.sent;
    if (this.#stage === 'discarding') {
      this.#hasDiscarded();
      return;
    }
    if (this.#stage === 'trying' && this.#ended === 'timeout' && !this.#isDressed) {
      this.refuse({ why: 'credential', retryAfterMs: undefined, cause: 'the credential was not there in time' });
      return;
    }
    if (this.#stage === 'trying') {
      this.#parts.breaker.settle(this.#ticket, this.#ended === 'timeout' ? 'bad' : healthOfFailure(fault.failure));
      const wait = this.#ended === undefined ? this.#triesSoFar().afterFault(fault, this.#leftMs()) : undefined;
      if (wait !== undefined) {
        this.#stage = 'pausing';
        this.#pauseFor(wait);
        return;
      }
    }
    this.#fail(fault);
  }

  pause(): void {
    this.#sending?.pause();
  }

  resume(): void {
    this.#sending?.resume();
  }

  abort(): void {
    this.#end('aborted');
  }

  #try(): void {
    const { breaker, send } = this.#parts;
    this.#stage = 'trying';
    this.#isDressed = false;
    const ticket = breaker.enter();
    if (ticket === undefined) {
      const retryAfterMs = breaker.retryAfterMs();
      queueMicrotask(() => this.#refuse({ why: 'breaker', retryAfterMs, cause: 'the breaker is open' }));
      return;
    }
    this.#ticket = ticket;
    this.#sending = send(this.#call, this);
    if (!this.#isDressed && this.#stage === 'trying') this.#keepDeadline();
  }

  #triesSoFar(): Tries {
    this.#tries ??= new Tries(this.#parts.rules, this.#call);
    return this.#tries;
  }

  #leftMs(): number {
    return this.#call.timeoutMs - (this.#parts.nowMs() - this.#sinceMs);
  }

  #keepDeadline(): void {
    this.#stopDeadline ??= this.#parts.after(this.#leftMs(), () => this.#end('timeout'));
  }

  #dropDeadline(): void {
    this.#stopDeadline?.();
    this.#stopDeadline = undefined;
  }

  #pauseFor(ms: number): void {
    this.#keepDeadline();
    this.#isDue = false;
    this.#stopPause = this.#parts.after(ms, () => {
      this.#isDue = true;
      if (this.#stage === 'pausing') this.#try();
      // Whoever is slow to end an answer that nobody wants does not hold up the next attempt.
      else this.#sending?.abort();
    });
  }

  #hasDiscarded(): void {
    this.#stage = 'pausing';
    if (this.#ended !== undefined) this.#fail();
    else if (this.#isDue) this.#try();
  }

  /** What is under way ends by itself then: `fail` follows. */
  #end(why: 'timeout' | 'aborted'): void {
    if (this.#stage === 'over') return;
    this.#ended ??= why;
    if (this.#stage !== 'line' && this.#stage !== 'pausing') {
      this.#sending?.abort();
      return;
    }
    const isRefused = this.#stage === 'line' && why === 'timeout';
    this.#leaveLine?.();
    queueMicrotask(() => (isRefused ? this.#refuse(busy('its deadline came before its turn')) : this.#fail()));
  }

  #refuse(refused: CallRefused): void {
    if (this.#stage === 'over') return;
    this.#finish();
    this.#receiver.refuse(refused);
  }

  #fail(fault: UpstreamFault = ABORTED): void {
    if (this.#stage === 'over') return;
    const isLate = this.#ended === 'timeout' && this.#stage !== 'answering';
    const message = `no answer began within ${this.#call.timeoutMs} ms`;
    this.#finish();
    this.#receiver.fail({ ...fault, ...(isLate && { failure: 'timeout', message }), sent: this.#wasSent });
  }

  #finish(): void {
    this.#stopPause?.();
    this.#dropDeadline();
    const hadSlot = this.#stage !== 'line';
    this.#stage = 'over';
    if (hadSlot) this.#parts.slots.release();
  }
}

export const createAttempts =
  (parts: AttemptsParts): SendCall =>
  (call, receiver) => {
    const attempts = new CallWithAttempts(parts, call, receiver);
    attempts.begin();
    return attempts;
  };
