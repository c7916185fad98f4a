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
  /** A short line, after the heads that it needs and that are not there yet. */
  recordShort(lines: string): void;
  /** Whether a short line may lean on those that were recorded before it. */
  isOpen(): boolean;
  /** What was recorded is in the spool when it returns, or counted as dropped. Never throws. */
  flush(): void;
  /**
   * For whoever can wait with what it brings: settles when less than half of the queue is used. Undefined where it is so
   * already.
   */
  room(): Promise<void> | undefined;
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
  let isOpen = false;
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
    isOpen = false;
  };

  const add = (line: string, opens: boolean): void => {
    if (count + full === 0) soon(flush);
    const hasPlace = waiting + count < queueSize;
    // Heads that are dropped are said again, and so are those before a line of another kind: a batch may begin with it.
    isOpen = opens && hasPlace;
    if (!hasPlace) {
      full += 1;
      return;
    }
    lines += line;
    count += 1;
  };

  return {
    record: (event) => add(writeUsageLine(event, isBillable(event.status)), false),
    recordShort: (short) => add(short, true),
    isOpen: () => isOpen,
    flush,

    room() {
      if (hasRoom()) return undefined;
      lessWaiting ??= Promise.withResolvers();
      return lessWaiting.promise;
    },

    waiting: () => waiting,
    settle(stored) {
      waiting -= stored;
      if (!lessWaiting || !hasRoom()) return;
      lessWaiting.resolve();
      lessWaiting = undefined;
    },
  };
};
