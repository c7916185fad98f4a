/** What the spool holds, as events: read and checked on the thread that stores them. */
import type { Caller } from '../../usage/billing/customer-store.ts';
import type { SpooledLines } from '../../usage/spool.ts';
import type { CallerLine, ShortLine, TurnLine } from '../../usage/turn-lines.ts';
import type { UsageLine } from '../../usage/usage-line.ts';
import { readSpooled } from '../files/spooled-lines.ts';

type Kind = 'string' | 'number';

const turnKinds: readonly Kind[] = ['number', 'number', 'string'];
const callerKinds: readonly Kind[] = ['string', 'string', 'string', 'string', 'string', 'number', 'number'];
const shortKinds: readonly Kind[] = ['number', 'string', 'number'];
// biome-ignore format: in the order of the columns
const kinds: readonly Kind[] = ['string', 'number', 'string', 'string', 'string', 'string', 'string', 'string', 'string',
  'number', 'number', 'number', 'number', 'number'];

const isFit = (value: unknown, kind: Kind | undefined): boolean =>
  kind === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && !value.includes('\0');

const areFit = (values: readonly unknown[], wanted: readonly Kind[]): boolean => {
  if (values.length !== wanted.length) return false;
  // By hand, for it is done for each event.
  for (let index = 0; index < wanted.length; index++) if (!isFit(values[index], wanted[index])) return false;
  return true;
};

const isHead = (value: unknown): value is readonly [readonly unknown[]] =>
  Array.isArray(value) && value.length === 1 && Array.isArray(value[0]);
const isTurn = (value: readonly [readonly unknown[]]): value is TurnLine => areFit(value[0], turnKinds);
const isCaller = (value: readonly [readonly unknown[]]): value is CallerLine => areFit(value[0], callerKinds);
const isShort = (value: unknown): value is ShortLine => Array.isArray(value) && areFit(value, shortKinds);
const isLine = (value: unknown): value is UsageLine => Array.isArray(value) && areFit(value, kinds);

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

/** Makes short lines whole again. */
const createTurns = () => {
  let turn: TurnLine[0] | undefined;
  let callers: CallerLine[0][] = [];
  let events = 0;

  return {
    addHead(head: readonly [readonly unknown[]]): void {
      if (isTurn(head)) {
        [turn] = head;
        callers = [];
        events = 0;
      } else if (isCaller(head)) callers.push(head[0]);
      // Without it nobody knows any more who the callers after it are.
      else turn = undefined;
    },

    wholeOf([place, path, durationUs]: ShortLine): UsageLine | undefined {
      const caller = callers[place];
      if (!turn || !caller) return undefined;
      const [firstNumber, atMs, prefix] = turn;
      const [keyId, userId, rule, method, host, status, billable] = caller;
      const id = `${prefix}-${firstNumber + events++}`;
      // biome-ignore format: in the order of the columns
      return [id, atMs, 'decision', keyId, userId, rule, method, host, path, status, billable, 0, 0, durationUs];
    },
  };
};

/** `unreadable`: lines that are no event, and events without readable heads. */
export const readUsageLines = (
  spooled: SpooledLines,
): Readonly<{ events: readonly UsageLine[]; unreadable: number }> => {
  const turns = createTurns();
  const events: UsageLine[] = [];
  let unreadable = 0;
  for (const read of parseLines(readSpooled(spooled))) {
    if (isHead(read)) {
      turns.addHead(read);
      continue;
    }
    const event = isShort(read) ? turns.wholeOf(read) : isLine(read) ? read : undefined;
    if (event) events.push(event);
    else unreadable += 1;
  }
  return { events, unreadable };
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
