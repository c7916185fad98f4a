import type { Dispatcher } from 'undici';

export type ServerAnswer = Readonly<{ status: number; body: string }>;

/** The server did not answer in time. */
export class TooLate extends Error {}

/** The connection ended before anything of an answer came: a kept one may be closed just as it is used again. */
export class NoAnswer extends Error {}

class Ended extends Error {}

/** One question on its way: undici's handler on the one side, a promise on the other. */
export class Question implements Dispatcher.DispatchHandler {
  readonly answer: Promise<ServerAnswer>;
  readonly #settle: PromiseWithResolvers<ServerAnswer>;
  readonly #maxBytes: number;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #over = false;

  constructor(timeoutMs: number, maxBytes: number) {
    this.#settle = Promise.withResolvers();
    this.answer = this.#settle.promise;
    this.#maxBytes = maxBytes;
    this.#timer = setTimeout(() => this.#end(new TooLate(`no answer within ${timeoutMs} ms`)), timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Ended());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.#end(new Error(`the answer is larger than ${this.#maxBytes} bytes`));
    else if (!this.#over) this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#finish()) return;
    this.#settle.resolve({ status: this.#status, body: Buffer.concat(this.#chunks).toString('utf8') });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (!this.#finish()) return;
    const isUnanswered = this.#status === 0 && this.#controller !== undefined;
    this.#settle.reject(isUnanswered ? new NoAnswer(error.message) : error);
  }

  /** Whoever waits hears of it first: undici would tell of the connection, not of the reason. */
  #end(error: Error): void {
    if (!this.#finish()) return;
    this.#settle.reject(error);
    this.#controller?.abort(new Ended());
  }

  /** False where it was over before. */
  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    clearTimeout(this.#timer);
    return true;
  }
}
