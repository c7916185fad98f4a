import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { createReadableStream } from './readable-log.ts';

export type LoggerOptions = Readonly<{
  level: string;
  /** `auto`: text on a terminal, JSON elsewhere. */
  format: 'json' | 'text' | 'auto';
}>;

export type ClosableLogger = Readonly<{ logger: Logger; flush(): void }>;

/** Lines are written in batches, for a line costs more than a decision; `flush` writes what is left. */
const FLUSH_AT_BYTES = 4_096;
const FLUSH_EVERY_MS = 500;

export const createLogger = ({ level, format }: LoggerOptions): ClosableLogger => {
  const asText = format === 'text' || (format === 'auto' && process.stdout.isTTY === true);
  const file = destination({ dest: 1, sync: false, minLength: asText ? 0 : FLUSH_AT_BYTES });
  const timer = setInterval(() => file.flush(), FLUSH_EVERY_MS).unref();
  const stream: DestinationStream = asText ? createReadableStream(file) : file;
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: named } },
    stream,
  );
  return {
    logger,
    flush() {
      clearInterval(timer);
      file.flushSync();
    },
  };
};

const named = (label: string) => ({ level: label });
