/** Gathers the events of one turn of the event loop, and gives them to the spool before the turn's answers are sent. */

import type { UsageSpool } from './spool.ts';
import type { RecordUsage } from './usage-event.ts';
import { writeUsageLine } from './usage-line.ts';

export type DropReason = 'queue_full' | 'spool_failed';

export type RecorderOptions = Readonly<{
  spool: Pick<UsageSpool, 'write'>;
  /** Most events that wait for the store. */
  queueSize: number;
  isBillable(status: number): boolean;
  onRecorded(count: number): void;
  onDropped(count: number, reason: DropReason, error?: unknown): void;
  /** Calls `flush` at the end of this turn, if nobody does before. */
  soon(flush: () => void): void;
}>;

export type Recorder = Readonly<{
  record: RecordUsage;
  /** A line of `writeUsageLine`, made by somebody who has most of it ready. */
  recordLine(line: string): void;
  /** What was recorded is in the spool when it returns, or counted as dropped. Never throws. */
  flush(): void;
  /**
   * For whoever can wait with what it brings: settles when less than half of the queue is used. Undefined where it is so
   * already.
   */
  room(): Promise<void> | undefined;
  /** Whether nothing was recorded since the last flush. */
  isEmpty(): boolean;
  /** Events that are on their way to the store. */
  waiting(): number;
  /** So many are in the store; or, where it is negative, so many of others are taken over. */
  settle(count: number): void;
}>;

export const createRecorder = (options: RecorderOptions): Recorder => {
  const { spool, queueSize, isBillable, onRecorded, onDropped, soon } = options;
  let lines = '';
  let count = 0;
  let waiting = 0;
  let full = 0;
  let lessWaiting: PromiseWithResolvers<void> | undefined;

  const hasRoom = (): boolean => (waiting + count) * 2 < queueSize;

  const write = (): void => {
    try {
      spool.write(lines, count);
      waiting += count;
      onRecorded(count);
    } catch (error) {
      onDropped(count, 'spool_failed', error);
    }
  };

  const flush = (): void => {
    if (count > 0) write();
    if (full > 0) onDropped(full, 'queue_full');
    lines = '';
    count = 0;
    full = 0;
  };

  const recordLine = (line: string): void => {
    if (count + full === 0) soon(flush);
    if (waiting + count >= queueSize) {
      full += 1;
      return;
    }
    lines += line;
    count += 1;
  };

  return {
    record: (event) => recordLine(writeUsageLine(event, isBillable(event.status))),
    recordLine,
    flush,

    room() {
      if (hasRoom()) return undefined;
      lessWaiting ??= Promise.withResolvers();
      return lessWaiting.promise;
    },

    isEmpty: () => count === 0,
    waiting: () => waiting,
    settle(stored) {
      waiting -= stored;
      if (!lessWaiting || !hasRoom()) return;
      lessWaiting.resolve();
      lessWaiting = undefined;
    },
  };
};
