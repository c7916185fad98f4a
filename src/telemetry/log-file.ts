/**
 * Where log lines go: written in batches and off the event loop, for a slow reader must not slow a decision; at the end of
 * the process at once. A disk that is full or a reader that is gone ends nothing (pino's own stream then waits for ever).
 */
import { write, writeSync } from 'node:fs';

export type LogFile = Readonly<{
  write(line: string): void;
  /**
   * Writes what waits, and what comes later at once. Called at the end of the process in any case. `onIdle` is told when
   * nothing is under way any more, from when on the descriptor may be closed.
   */
  close(onIdle?: () => void): void;
}>;

export type LogFileOptions = Readonly<{
  /** A batch is written when it has so many bytes, and at the latest after half a second. */
  batchLength: number;
  /** Bytes that may wait. Lines beyond them are lost, and the service is not. */
  mostWaiting: number;
  /** Told how many lines were lost, when lines can be written again. */
  onLost(count: number): void;
}>;

const FLUSH_EVERY_MS = 500;
const UNDER_WAY_MS = 50;
const nothing: Buffer = Buffer.alloc(0);

/** No character of UTF-16 is more. */
const MOST_BYTES = 3;
const LONGEST_USUAL_LINE = 4_096;

/**
 * Lines that wait, as the bytes that are written: a line is many small strings until then, which would each be kept for as long as it
 * waits, and be joined again when they are long out of the processor's reach.
 */
class Waiting {
  readonly #chunkLength: number;
  #full: Buffer[] = [];
  #filling: Buffer = nothing;
  #filled = 0;
  #spare: Buffer | undefined;
  bytes = 0;

  constructor(batchLength: number) {
    this.#chunkLength = batchLength + MOST_BYTES * LONGEST_USUAL_LINE;
  }

  add(line: string): void {
    const most = line.length * MOST_BYTES;
    if (most > this.#filling.length - this.#filled) this.#begin(most);
    const written = this.#filling.write(line, this.#filled);
    this.#filled += written;
    this.bytes += written;
  }

  #begin(atLeast: number): void {
    this.#seal();
    const isUsual = atLeast <= this.#chunkLength;
    this.#filling = (isUsual ? this.#spare : undefined) ?? Buffer.allocUnsafeSlow(Math.max(atLeast, this.#chunkLength));
    if (isUsual) this.#spare = undefined;
  }

  #seal(): void {
    if (this.#filled > 0) this.#full.push(this.#filling.subarray(0, this.#filled));
    this.#filling = nothing;
    this.#filled = 0;
  }

  /** The oldest of them; empty where there are none. */
  take(): Buffer {
    if (this.#full.length === 0) this.#seal();
    const taken = this.#full.shift() ?? nothing;
    this.bytes -= taken.length;
    return taken;
  }

  takeAll(): Buffer[] {
    this.#seal();
    const all = this.#full;
    this.#full = [];
    this.bytes = 0;
    return all;
  }

  /** Room for others, once it was written. */
  giveBack(taken: Buffer): void {
    const { buffer } = taken;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === this.#chunkLength) this.#spare = Buffer.from(buffer);
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

export const createLogFile = (fd: number, { batchLength, mostWaiting, onLost }: LogFileOptions): LogFile => {
  const waiting = new Waiting(batchLength);
  let batch: Buffer = nothing;
  let isWriting = false;
  let isGone = false;
  let isClosed = false;
  let lost = 0;
  let tellIdle: (() => void) | undefined;

  const tellLost = (): void => {
    const count = lost;
    lost = 0;
    if (count > 0) onLost(count);
  };

  /** Nobody will ever read it. */
  const stop = (): void => {
    isGone = true;
    waiting.takeAll();
    batch = nothing;
  };

  const advance = (written: number): void => {
    if (written === batch.length) waiting.giveBack(batch);
    batch = batch.subarray(written);
  };

  const flush = (): void => {
    if (isWriting) return;
    if (batch.length === 0) batch = waiting.take();
    if (batch.length === 0) return;
    isWriting = true;
    write(fd, batch, (error, written) => {
      isWriting = false;
      if (isClosed) return tellIdle?.();
      if (codeOf(error) === 'EPIPE') stop();
      // Everything else, a full disk or a full pipe, is tried again with the next flush.
      if (error) return;
      advance(written);
      tellLost();
      if (batch.length > 0 || waiting.bytes >= batchLength) flush();
    });
  };

  const timer = setInterval(flush, FLUSH_EVERY_MS).unref();

  const writeAtOnce = (bytes: Buffer): void => {
    try {
      for (let at = 0; at < bytes.length && !isGone; ) at += writeSync(fd, bytes, at);
    } catch {
      // The disk or the reader again; there is nobody to tell.
    }
  };

  const close = (onIdle?: () => void): void => {
    isClosed = true;
    clearInterval(timer);
    process.off('exit', closeAtExit);
    // A batch under way is not repeated. A process that ends by an error does not wait for the thread that writes it.
    if (isWriting) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UNDER_WAY_MS);
    writeAtOnce(Buffer.concat([isWriting ? nothing : batch, ...waiting.takeAll()]));
    if (isWriting) tellIdle = onIdle;
    else onIdle?.();
  };
  const closeAtExit = (): void => close();
  process.on('exit', closeAtExit);

  return {
    write(line) {
      if (isClosed) return writeAtOnce(Buffer.from(line));
      if (waiting.bytes + line.length > mostWaiting) lost++;
      else if (!isGone) waiting.add(line);
      if (waiting.bytes >= batchLength) flush();
    },
    close,
  };
};
