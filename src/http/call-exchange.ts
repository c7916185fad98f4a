/** One call on its way: what the target answers goes to the caller, and whoever leaves takes the other side with them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EgressErrorType } from '../egress/egress-event.ts';
import { filterAnswer } from '../egress/headers.ts';
import type { CallReceiver, CallRefused } from '../egress/target.ts';
import type { Sending, UpstreamFault } from '../egress/upstream.ts';
import { type AuthResponse, isContentLength } from './auth-response.ts';
import { bodyLengthOf } from './body.ts';
import { type Failed, failedBy, refusedBy, stoodStill, unexpected } from './egress-refusals.ts';
import { joinSockets } from './egress-socket.ts';
import { problemReply } from './problem.ts';
import type { Reply } from './reply.ts';
import { endsConnection } from './server.ts';

/** How a call ended, answered or not. */
export type CallOutcome = Readonly<{
  /** What the caller got. 0 where it left before. */
  status: number;
  /** How many times the target was asked. */
  attempts: number;
  /** Versions of the credentials that were put on it, joined by commas. */
  credentialVersion: string;
  error: EgressErrorType | undefined;
  /** For the log alone. */
  cause: unknown;
}>;

const isWhole = (headers: readonly string[], chunk: Buffer): boolean => {
  for (let index = 0; index < headers.length; index += 2) {
    if (isContentLength(headers[index] ?? '')) return headers[index + 1] === String(chunk.length);
  }
  return false;
};

export abstract class CallExchange implements CallReceiver {
  readonly #message: IncomingMessage;
  readonly #response: AuthResponse;
  #sending: Sending | undefined;
  #attempts = 0;
  #credentialVersion = '';
  /** Of the answer; 0 where it has not begun. */
  #status = 0;
  #headers: string[] = [];
  /** All of the body, where it came at once. */
  #whole: Buffer | undefined;
  #told = false;
  #hasSwitched = false;
  #isPaused = false;

  constructor(message: IncomingMessage, response: AuthResponse) {
    this.#message = message;
    this.#response = response;
    response.once('close', this.#closed);
  }

  /** Told once, when the call has ended. */
  protected abstract told(outcome: CallOutcome): void;

  /** In place of an answer of the target's. */
  protected abstract sendRefusal(response: AuthResponse, reply: Reply): void;

  /** Which headers of the target's answer go on; `isEmpty` where it has no length. */
  protected answerHeaders(headers: readonly string[], isEmpty: boolean): string[] {
    return filterAnswer(headers, isEmpty);
  }

  get isOver(): boolean {
    return this.#told;
  }

  sends(sending: Sending): void {
    this.#sending = sending;
    this.#response.on('timeout', this.#timedOut);
  }

  attempt(credentialVersion: string): void {
    this.#attempts += 1;
    this.#credentialVersion = credentialVersion;
  }

  head(status: number, headers: readonly string[]): void {
    this.#status = status;
    // RFC 9110 section 8.6: there is no length where there is no body.
    this.#headers = this.answerHeaders(headers, status === 204);
  }

  data(chunk: Buffer): void {
    if (this.#told) return;
    // The end is next, and head and body are sent as one.
    if (!this.#response.headersSent && isWhole(this.#headers, chunk)) {
      this.#whole = chunk;
      return;
    }
    if (!this.#begin() || this.#response.write(chunk) || this.#isPaused) return;
    this.#isPaused = true;
    this.#response.once('drain', this.#drained);
    this.#sending?.pause();
  }

  end(): void {
    if (this.#told) return;
    if (!this.#whole || !this.#response.sendAnswer(this.#status, this.#headers, this.#whole)) {
      if (!this.#begin()) return;
      this.#response.end(this.#whole);
    }
    this.#tell(this.#status);
  }

  /** False where a header of the target's is none that can be written. */
  #begin(): boolean {
    if (this.#response.headersSent) return true;
    try {
      this.#response.writeHead(this.#status, this.#headers);
      return true;
    } catch (cause) {
      this.#status = 0;
      this.fail({ failure: 'malformed', sent: true, message: 'a header of the answer cannot be passed on', cause });
      this.#sending?.abort();
      return false;
    }
  }

  switched(headers: readonly string[], socket: Duplex): void {
    const { socket: caller } = this.#response;
    if (!caller) {
      socket.destroy();
      return;
    }
    this.#hasSwitched = true;
    this.#response.detachSocket(caller);
    joinSockets(caller, socket, this.answerHeaders(headers, true), () => this.#tell(101));
  }

  fail(fault: UpstreamFault): void {
    this.failed(failedBy(fault));
  }

  refuse(refused: CallRefused): void {
    this.failed(refusedBy(refused));
  }

  unexpected(cause: unknown): void {
    this.failed(unexpected(cause));
  }

  /** Where the answer has begun it must not look whole: its connection ends. */
  failed({ error, refusal, cause }: Failed): void {
    if (this.#told) return;
    const response = this.#response;
    if (this.#status !== 0) {
      this.#tell(this.#status, { error, cause });
      response.destroy();
      return;
    }
    // Whoever still writes a long body is not to write all of it into the void.
    if (!this.#message.complete && bodyLengthOf(this.#message) !== 0) endsConnection(this.#message, response);
    const reply = problemReply(refusal);
    this.sendRefusal(response, reply);
    this.#tell(reply.status, { error, cause });
  }

  readonly #closed = (): void => {
    if (this.#told || this.#hasSwitched) return;
    this.#tell(this.#status, { error: 'aborted', cause: undefined });
    this.#sending?.abort();
  };

  readonly #drained = (): void => {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#sending?.resume();
  };

  /** The caller's connection stands still: rightly where the target is waited for, which has a clock of its own. */
  readonly #timedOut = (): void => {
    const sends = !this.#message.complete && !this.#message.isPaused();
    if (!sends && !this.#isPaused) return;
    this.failed(stoodStill);
    this.#sending?.abort();
  };

  #tell(status: number, failed?: Pick<Failed, 'error' | 'cause'>): void {
    this.#told = true;
    const credentialVersion = this.#credentialVersion;
    this.told({ status, attempts: this.#attempts, credentialVersion, error: failed?.error, cause: failed?.cause });
  }
}
