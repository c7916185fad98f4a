/** One call on its way: what the target answers goes to the caller, and whoever leaves takes the other side with them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EgressEvent } from '../egress/egress-event.ts';
import { filterAnswer } from '../egress/headers.ts';
import type { CallReceiver, CallRefused } from '../egress/target.ts';
import type { Sending, UpstreamFault } from '../egress/upstream.ts';
import type { AuthResponse } from './auth-response.ts';
import { type Failed, failedBy, refusedBy, stoodStill, unexpected } from './egress-refusals.ts';
import { joinSockets } from './egress-socket.ts';
import { problemReply } from './problem.ts';
import { sendReply } from './reply.ts';
import { endsConnection } from './server.ts';

export type Observe = (event: EgressEvent) => void;

/** What is known of a call from its beginning on. */
export type CallStory = {
  readonly requestId: string;
  readonly startedAt: number;
  readonly method: string;
  readonly path: string;
  target: string;
  caller: string;
};

export class EgressExchange implements CallReceiver {
  readonly #message: IncomingMessage;
  readonly #response: AuthResponse;
  readonly #story: CallStory;
  readonly #observe: Observe;
  #sending: Sending | undefined;
  #attempts = 0;
  #credentialVersion = '';
  #told = false;
  #hasSwitched = false;
  #isPaused = false;

  constructor(message: IncomingMessage, response: AuthResponse, story: CallStory, observe: Observe) {
    this.#message = message;
    this.#response = response;
    this.#story = story;
    this.#observe = observe;
    response.once('close', this.#closed);
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
    // RFC 9110 section 8.6: there is no length where there is no body.
    this.#response.writeHead(status, filterAnswer(headers, status === 204));
  }

  data(chunk: Buffer): void {
    if (this.#response.write(chunk) || this.#isPaused) return;
    this.#isPaused = true;
    this.#response.once('drain', this.#drained);
    this.#sending?.pause();
  }

  end(): void {
    this.#response.end();
    this.#tell(this.#response.statusCode);
  }

  switched(headers: readonly string[], socket: Duplex): void {
    const { socket: caller } = this.#response;
    if (!caller) {
      socket.destroy();
      return;
    }
    this.#hasSwitched = true;
    this.#response.detachSocket(caller);
    joinSockets(caller, socket, filterAnswer(headers, true), () => this.#tell(101));
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
    if (response.headersSent) {
      this.#tell(response.statusCode, { error, cause });
      response.destroy();
      return;
    }
    // Whoever still writes a long body is not to write all of it into the void.
    if (!this.#message.complete) endsConnection(this.#message, response);
    const reply = problemReply(refusal);
    sendReply(response, reply, this.#story.requestId);
    this.#tell(reply.status, { error, cause });
  }

  readonly #closed = (): void => {
    if (this.#told || this.#hasSwitched) return;
    this.#tell(this.#response.headersSent ? this.#response.statusCode : 0, { error: 'aborted', cause: undefined });
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
    const { startedAt, ...story } = this.#story;
    this.#observe({
      ...story,
      status,
      durationMs: performance.now() - startedAt,
      attempts: this.#attempts,
      credentialVersion: this.#credentialVersion,
      ...failed,
    });
  }
}
