/** One call of egress on its way, and what is told of it. */
import type { IncomingMessage } from 'node:http';
import type { Findings } from '../core/findings.ts';
import type { EgressEvent } from '../egress/egress-event.ts';
import type { AuthResponse } from './auth-response.ts';
import { CallExchange, type CallOutcome } from './call-exchange.ts';
import { type Reply, sendReply } from './reply.ts';

export type Observe = (event: EgressEvent) => void;

/** What is known of a call from its beginning on. */
export type CallStory = {
  readonly requestId: string;
  readonly startedAt: number;
  readonly method: string;
  readonly path: string;
  target: string;
  caller: string;
  findings: Findings | undefined;
};

export class EgressExchange extends CallExchange {
  readonly #story: CallStory;
  readonly #observe: Observe;

  constructor(message: IncomingMessage, response: AuthResponse, story: CallStory, observe: Observe) {
    super(message, response);
    this.#story = story;
    this.#observe = observe;
  }

  protected override sendRefusal(response: AuthResponse, reply: Reply): void {
    sendReply(response, reply, this.#story.requestId);
  }

  protected override told({ status, attempts, credentialVersion, error, cause }: CallOutcome): void {
    const { requestId, target, method, path, caller, findings, startedAt } = this.#story;
    const durationMs = performance.now() - startedAt;
    const call = { requestId, target, method, path, caller, findings, durationMs, status, attempts, credentialVersion };
    this.#observe(error === undefined ? call : { ...call, error, cause });
  }
}
