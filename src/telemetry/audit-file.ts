/**
 * A file that is appended to, and opened anew once it was moved away, as those who rotate logs do it. Watched rather than told
 * of by a signal, for a signal reaches one process of several.
 */
import { closeSync, fstatSync, openSync, type Stats, stat } from 'node:fs';
import { createLogFile, type LogFile, type LogFileOptions } from './log-file.ts';

export type AuditFile = Pick<LogFile, 'write' | 'close'>;

export type AuditFileOptions = LogFileOptions &
  Readonly<{
    /** The file is gone, and another cannot be opened. Lines go to the one that was open. */
    onKept(error: unknown): void;
  }>;

const LOOK_EVERY_MS = 1_000;
/** Longer than a batch waits. */
const RETIRED_FOR_MS = 2_000;
/** Of the owner and of a group that reads logs. */
const MODE = 0o640;

type Open = Readonly<{ fd: number; file: LogFile; identity: Pick<Stats, 'dev' | 'ino'> }>;

/** Throws where the file cannot be opened. */
export const createAuditFile = (path: string, options: AuditFileOptions): AuditFile => {
  const open = (): Open => {
    const fd = openSync(path, 'a', MODE);
    return { fd, file: createLogFile(fd, options), identity: fstatSync(fd) };
  };

  let current = open();
  let isKept = false;

  const replace = (): void => {
    const { fd, file } = current;
    try {
      current = open();
      isKept = false;
      // What waits is written in the usual way, off the event loop.
      setTimeout(() => file.close(() => closeSync(fd)), RETIRED_FOR_MS).unref();
    } catch (error) {
      if (!isKept) options.onKept(error);
      isKept = true;
    }
  };

  const look = (): void =>
    stat(path, (error, found) => {
      const { dev, ino } = current.identity;
      if (error ? error.code === 'ENOENT' : found.ino !== ino || found.dev !== dev) replace();
    });

  const timer = setInterval(look, LOOK_EVERY_MS).unref();

  return {
    write: (line) => current.file.write(line),
    close() {
      clearInterval(timer);
      current.file.close();
    },
  };
};
