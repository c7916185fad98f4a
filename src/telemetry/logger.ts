import { type DestinationStream, type Logger, pino } from 'pino';
import { createLogFile } from './log-file.ts';
import { createReadableStream } from './readable-log.ts';

export type LoggerOptions = Readonly<{
  level: string;
  /** `auto`: text on a terminal, JSON elsewhere. */
  format: 'json' | 'text' | 'auto';
}>;

export type ClosableLogger = Readonly<{
  logger: Logger;
  /** A line as it is, whatever the format and the level of the others. */
  write(line: string): void;
  flush(): void;
}>;

/** Lines are written in batches, for a line costs more than a decision; `flush` writes what is left. */
export const BATCH_LENGTH = 65_536;
export const MOST_WAITING = 16 * 1024 * 1024;
const STDOUT = 1;
const LONGEST_MESSAGE = 1_000;

/** Nothing that hangs on an error is told, nor what a parser quotes: it may be a secret. */
const errorOf = (error: unknown) => {
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, message, stack = '' } = error;
  if (error instanceof SyntaxError) return { type: name };
  return { type: name, message: message.slice(0, LONGEST_MESSAGE), stack: stack.slice(0, 2 * LONGEST_MESSAGE) };
};

let writtenMs = 0;
let written = '';

/** RFC 3339 in UTC, as pino's own `isoTime`. Under load many lines belong to one millisecond. */
const timestamp = (): string => {
  const nowMs = Date.now();
  if (nowMs !== writtenMs) {
    writtenMs = nowMs;
    written = `,"time":"${new Date(nowMs).toISOString()}"`;
  }
  return written;
};

const named = (label: string) => ({ level: label });

export const createLogger = ({ level, format }: LoggerOptions, fd = STDOUT): ClosableLogger => {
  const asText = format === 'text' || (format === 'auto' && process.stdout.isTTY === true);
  const file = createLogFile(fd, {
    batchLength: asText ? 0 : BATCH_LENGTH,
    mostWaiting: MOST_WAITING,
    onLost: (count) => logger.warn({ event: 'log_lines_lost', count }, 'the log could not be written'),
  });
  const stream: DestinationStream = asText ? createReadableStream(file) : file;
  const logger: Logger = pino(
    {
      level,
      base: null,
      timestamp,
      formatters: { level: named },
      serializers: { err: errorOf },
    },
    stream,
  );
  return { logger, write: file.write, flush: () => file.close() };
};
