/** Log lines for people: time, level, message, then what belongs to it. */
import type { DestinationStream } from 'pino';

const quiet = new Set(['time', 'level', 'msg']);

const show = (value: unknown): string => {
  if (typeof value === 'string') return /^[\w.:/@*-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? '';
};

export const readable = (line: string): string => {
  const entry: Record<string, unknown> = JSON.parse(line);
  const time = String(entry['time']).slice(11, 23);
  const details = Object.entries(entry)
    .filter(([name, value]) => !quiet.has(name) && value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${show(value)}`);
  return `${time} ${String(entry['level']).padEnd(5)} ${entry['msg']}${details.length > 0 ? `  ${details.join(' ')}` : ''}\n`;
};

export const createReadableStream = (target: DestinationStream): DestinationStream => ({
  write: (line) => target.write(readable(line)),
});
