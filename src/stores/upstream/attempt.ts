import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { AnswerReceiver, Sending, UpstreamFault } from '../../egress/upstream.ts';
import type { CallBody } from './call-body.ts';
import { faultOf } from './fault.ts';

class Ended extends Error {}

const readHeaders = (raw: Dispatcher.DispatchController['rawHeaders']): string[] =>
  Array.isArray(raw) ? raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))) : [];

/** One dispatch: undici's handler on the one side, what the caller holds on the other. */
export class Attempt implements Dispatcher.DispatchHandler, Sending {
  readonly #receiver: AnswerReceiver;
  readonly #body: CallBody | undefined;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #over = false;
  #paused = false;
  #returned = false;

  constructor(receiver: AnswerReceiver, body: CallBody | undefined, timeoutMs: number) {
    this.#receiver = receiver;
    this.#body = body;
    this.#timer = setTimeout(() => this.#standsStill(timeoutMs), timeoutMs);
  }

  /** From now on the receiver may be called. */
  returned(): this {
    this.#returned = true;
    return this;
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#timer.refresh();
    this.#controller?.resume();
  }

  abort(): void {
    this.#end({ failure: 'aborted', sent: this.#controller !== undefined, message: 'the call was given up' });
  }

  /** Called just before the first byte leaves, and again where undici would send the call once more. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    const isAgain = this.#controller !== undefined;
    this.#controller = controller;
    if (isAgain) this.#end({ failure: 'reset', sent: true, message: 'the target ended the connection' });
    if (this.#over) controller.abort(new Ended());
    else if (this.#paused) controller.pause();
  }

  onBodySent(): void {
    this.#timer.refresh();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.#over) return;
    this.#timer.refresh();
    if (status >= 200) this.#receiver.head(status, readHeaders(controller.rawHeaders));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#timer.refresh();
    this.#receiver.data(chunk);
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    if (this.#over || !this.#receiver.switched) {
      socket.destroy();
      return;
    }
    this.#finish();
    this.#receiver.switched(readHeaders(controller.rawHeaders), socket);
  }

  onResponseEnd(): void {
    if (this.#over) return;
    this.#finish();
    this.#receiver.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#fail(faultOf(error, this.#controller !== undefined));
  }

  /** It is the target's fault only where neither the caller's body nor the caller's reading is waited for. */
  #standsStill(timeoutMs: number): void {
    if (this.#paused || this.#body?.waitsForCaller) return void this.#timer.refresh();
    const sent = this.#controller !== undefined;
    this.#end({ failure: 'timeout', sent, message: `nothing from the target within ${timeoutMs} ms` });
  }

  /** The receiver hears of it first: undici would tell it of the connection, not of the reason. */
  #end(fault: UpstreamFault): void {
    if (this.#over) return;
    this.#fail(fault);
    this.#body?.destroy();
    this.#controller?.abort(new Ended());
  }

  #fail(fault: UpstreamFault): void {
    if (this.#over) return;
    this.#finish();
    if (this.#returned) this.#receiver.fail(fault);
    else queueMicrotask(() => this.#receiver.fail(fault));
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}
