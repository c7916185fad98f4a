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
  /** A batch is written when it has so many characters, and at the latest after half a second. */
  batchLength: number;
  /** Characters that may wait. Lines beyond them are lost, and the service is not. */
  mostWaiting: number;
  /** Told how many lines were lost, when lines can be written again. */
  onLost(count: number): void;
}>;

const FLUSH_EVERY_MS = 500;
const UNDER_WAY_MS = 50;
const nothing = Buffer.alloc(0);

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

export const createLogFile = (fd: number, { batchLength, mostWaiting, onLost }: LogFileOptions): LogFile => {
  let waiting = '';
  let batch = nothing;
  let isWriting = false;
  let isGone = false;
  let isClosed = false;
  let lost = 0;
  let tellIdle: (() => void) | undefined;

  const takeBatch = (): void => {
    if (batch.length > 0) return;
    batch = Buffer.from(waiting);
    waiting = '';
  };

  const tellLost = (): void => {
    const count = lost;
    lost = 0;
    if (count > 0) onLost(count);
  };

  /** Nobody will ever read it. */
  const stop = (): void => {
    isGone = true;
    waiting = '';
    batch = nothing;
  };

  const flush = (): void => {
    if (isWriting) return;
    takeBatch();
    if (batch.length === 0) return;
    isWriting = true;
    write(fd, batch, (error, written) => {
      isWriting = false;
      if (isClosed) return tellIdle?.();
      if (codeOf(error) === 'EPIPE') stop();
      // Everything else, a full disk or a full pipe, is tried again with the next flush.
      if (error) return;
      batch = batch.subarray(written);
      tellLost();
      if (batch.length > 0 || waiting.length >= batchLength) flush();
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
    writeAtOnce(Buffer.concat([isWriting ? nothing : batch, Buffer.from(waiting)]));
    waiting = '';
    if (isWriting) tellIdle = onIdle;
    else onIdle?.();
  };
  const closeAtExit = (): void => close();
  process.on('exit', closeAtExit);

  return {
    write(line) {
      if (isClosed) return writeAtOnce(Buffer.from(line));
      if (waiting.length + line.length > mostWaiting) lost++;
      else if (!isGone) waiting += line;
      if (waiting.length >= batchLength) flush();
    },
    close,
  };
};
