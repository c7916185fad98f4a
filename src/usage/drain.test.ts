import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDrain } from './drain.ts';
import type { Segment, SpooledLines } from './spool.ts';

/** A file of its own for each. */
const linesAt = (path: string): SpooledLines => ({ path, from: 0, to: 1 });

const segmentOf = (batches: readonly string[], removed: string[][], sinceMs = 0): Segment => ({
  events: batches.length,
  sinceMs,
  batches: batches.map(linesAt),
  remove: async () => void removed.push([...batches]),
});

/** Runs rounds one by one, each by `round()`. */
const open = () => {
  const removed: string[][] = [];
  const added: string[] = [];
  const told: string[] = [];
  const spooled: Segment[] = [];
  const left: Segment[] = [];
  let failing = new Set<string>();
  let nowMs = 0;
  let next: (() => void) | undefined;
  let paused: (() => void) | undefined;
  const drain = createDrain({
    spool: {
      take: () => spooled.splice(0),
      adopt: async () => left.splice(0),
    },
    store: {
      async add({ path }) {
        if (failing.has(path)) throw new Error(`refused ${path}`);
        added.push(path);
        return { added: 1, known: 0, unreadable: path === 'odd' ? 1 : 0 };
      },
    },
    flushIntervalMs: 1_000,
    now: () => nowMs,
    onAdopted: (events) => void (events > 0 && told.push(`adopted ${events}`)),
    onStored: (events, unreadable) => void told.push(`stored ${events - unreadable}`),
    onRound: (oldest) => void told.push(`oldest ${oldest}`),
    onFailed: (error) => void told.push(String(error)),
    pause: (_ms, signal) =>
      new Promise((resolve) => {
        next = resolve;
        signal.addEventListener('abort', () => resolve());
        paused?.();
      }),
  });
  const round = async (): Promise<void> => {
    const done = new Promise<void>((resolve) => {
      paused = resolve;
    });
    if (next) next();
    else drain.start();
    await done;
  };
  return {
    drain,
    removed,
    added,
    told,
    round,
    spool: (...batches: string[]) => spooled.push(segmentOf(batches, removed, nowMs)),
    leave: (...batches: string[]) => left.push(segmentOf(batches, removed)),
    refuse: (...lines: string[]) => {
      failing = new Set(lines);
    },
    at: (ms: number) => {
      nowMs = ms;
    },
  };
};

test('a segment is removed when all of it is in the store, and not before', async () => {
  const { drain, spool, refuse, round, removed, told } = open();
  spool('a', 'b', 'c');
  refuse('c');
  await round();
  assert.deepEqual(removed, []);
  assert.equal(drain.problem(), 'usage waits for the store: refused c');
  refuse();
  await round();
  assert.deepEqual(removed, [['a', 'b', 'c']]);
  assert.equal(drain.problem(), undefined);
  assert.deepEqual(told, ['oldest 0', 'Error: refused c', 'stored 3', 'oldest undefined']);
  await drain.close();
});

test('an outage is told of once, and a segment that fails does not keep the others back', async () => {
  const { drain, spool, refuse, round, removed, told } = open();
  spool('bad');
  spool('good');
  refuse('bad');
  await round();
  await round();
  await round();
  assert.deepEqual(removed, [['good']]);
  assert.equal(told.filter((line) => line.startsWith('Error')).length, 1);
  await drain.close();
});

test('what ended processes left is looked for at the start and every half minute, also when the clock is set back', async () => {
  const { drain, leave, round, removed, at } = open();
  leave('first');
  await round();
  assert.deepEqual(removed, [['first']]);
  leave('second');
  at(29_999);
  await round();
  assert.deepEqual(removed, [['first']]);
  at(30_000);
  await round();
  assert.deepEqual(removed, [['first'], ['second']]);
  leave('third');
  at(-10_000_000);
  await round();
  assert.deepEqual(removed.at(-1), ['third']);
  await drain.close();
});

test('at the end what is left goes to the store; what the store does not take stays', async () => {
  const { drain, spool, refuse, round, removed, told } = open();
  await round();
  spool('a');
  spool('bad');
  refuse('bad');
  await drain.close();
  assert.deepEqual(removed, [['a']]);
  assert.match(told.at(-1) ?? '', /refused bad/);
});

test('lines that are no events are told of', async () => {
  const { drain, spool, round, told } = open();
  spool('odd', 'even');
  await round();
  assert.deepEqual(told, ['stored 1', 'oldest undefined']);
  await drain.close();
});
