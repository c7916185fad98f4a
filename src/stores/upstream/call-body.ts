import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';

/**
 * A caller's body as undici reads it. undici destroys what it has read, and with the request of a caller goes the connection
 * on which the answer is due: this stands in between, and only lets go.
 */
export class CallBody extends EventEmitter {
  readonly #source: Readable;
  #attached = false;
  #ended = false;
  #paused = false;
  destroyed = false;

  constructor(source: Readable) {
    super();
    this.#source = source;
  }

  /** Everything that was read has left, and more has not come. */
  get waitsForCaller(): boolean {
    return this.#attached && !this.#ended && !this.#paused && !this.destroyed;
  }

  pause(): this {
    this.#paused = true;
    this.#source.pause();
    return this;
  }

  resume(): this {
    this.#paused = false;
    if (!this.#attached) this.#attach();
    this.#source.resume();
    return this;
  }

  /** undici takes for a stream whatever has this method, and never calls it. */
  pipe(): never {
    throw new Error('a body of a call is read by its events alone');
  }

  destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.#detach();
    if (!this.#ended) this.#source.pause();
    return this;
  }

  readonly #onData = (chunk: Buffer): void => void this.emit('data', chunk);

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#detach();
    this.emit('end');
  };

  readonly #onBroken = (): void => {
    this.#detach();
    if (!this.#ended) this.emit('error', new BrokenBody());
  };

  #attach(): void {
    this.#attached = true;
    const source = this.#source;
    if (source.destroyed) return void queueMicrotask(this.#onBroken);
    source.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onBroken).on('close', this.#onBroken);
  }

  #detach(): void {
    this.#source
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('error', this.#onBroken)
      .off('close', this.#onBroken);
  }
}

/** The caller left in the middle of its body. */
export class BrokenBody extends Error {
  override name = 'BrokenBody';

  constructor() {
    super("the caller's body ended before its end");
  }
}
