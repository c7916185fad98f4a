/** What the spool holds, as events: read and checked on the thread that stores them. */
import type { Caller } from '../../usage/billing/customer-store.ts';
import type { SpooledLines } from '../../usage/spool.ts';
import type { UsageLine } from '../../usage/usage-line.ts';
import { readSpooled } from '../files/spooled-lines.ts';

// biome-ignore format: in the order of the columns
const kinds = ['string', 'number', 'string', 'string', 'string', 'string', 'string', 'string', 'string', 'number',
  'number', 'number', 'number', 'number'];

const isFit = (value: unknown, kind: string | undefined): boolean =>
  kind === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && !value.includes('\0');

const isLine = (value: unknown): value is UsageLine =>
  Array.isArray(value) && value.length === kinds.length && kinds.every((kind, index) => isFit(value[index], kind));

const parse = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

/** A string of JSON has no line break in it, so that all lines together are one array: faster than one by one. */
const parseLines = (given: string): unknown[] => {
  const lines = given.trimEnd();
  const all = parse(`[${lines.replaceAll('\n', ',')}]`);
  return Array.isArray(all) ? all : lines.split('\n').map(parse);
};

/** `unreadable`: lines that are no event. */
export const readUsageLines = (
  spooled: SpooledLines,
): Readonly<{ events: readonly UsageLine[]; unreadable: number }> => {
  const read = parseLines(readSpooled(spooled));
  const events = read.filter(isLine);
  return { events, unreadable: read.length - events.length };
};

/** Each once, and only of what is billable. */
export const callersOf = (events: readonly UsageLine[]): Caller[] => {
  const callers = new Map<string, Caller>();
  for (const [, , , keyId, userId, , , , , , billable] of events) {
    if (billable !== 1 || (keyId === '' && userId === '')) continue;
    callers.set(JSON.stringify([keyId, userId]), [keyId, userId]);
  }
  return [...callers.values()];
};
