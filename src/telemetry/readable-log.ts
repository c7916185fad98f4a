/** Log lines for people: time, level, message, then what belongs to it. */
import type { DestinationStream } from 'pino';

/** What a terminal obeys instead of showing it: controls, changes of direction, odd line ends. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string): string => {
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
};

const printable = (text: string): string => text.replace(unprintable, escaped);

const isPlain = (text: string): boolean => /^[\w.:/@*-]+$/.test(text);

const show = (value: unknown): string =>
  typeof value === 'string' && isPlain(value) ? value : printable(JSON.stringify(value) ?? '');

export const readable = (line: string): string => {
  const { time, level, msg, ...rest }: Record<string, unknown> = JSON.parse(line);
  const details = Object.entries(rest)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${show(name)}=${show(value)}`);
  const said = [String(time).slice(11, 23), String(level).padEnd(5), printable(String(msg))].join(' ');
  return `${said}${details.length > 0 ? `  ${details.join(' ')}` : ''}\n`;
};

export const createReadableStream = (target: DestinationStream): DestinationStream => ({
  write: (line) => target.write(readable(line)),
});
