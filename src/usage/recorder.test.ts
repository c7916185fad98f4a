import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventOf } from '../../test/usage/usage-events.ts';
import { createRecorder, type DropReason } from './recorder.ts';

const open = (queueSize = 3) => {
  const written: string[] = [];
  const dropped: [number, DropReason][] = [];
  const soon: (() => void)[] = [];
  let failure: Error | undefined;
  const recorder = createRecorder({
    spool: {
      write(lines) {
        if (failure) throw failure;
        written.push(lines);
      },
    },
    queueSize,
    isBillable: (status) => status === 200,
    onRecorded: () => undefined,
    onDropped: (count, reason) => dropped.push([count, reason]),
    soon: (flush) => soon.push(flush),
  });
  return {
    recorder,
    written,
    dropped,
    soon,
    fail: (error: Error | undefined) => {
      failure = error;
    },
  };
};

test('the events of one turn are one write, at the latest at its end', () => {
  const { recorder, written, soon } = open();
  recorder.record(eventOf('a'));
  recorder.record(eventOf('b', { status: 404 }));
  assert.deepEqual([written.length, soon.length], [0, 1]);
  soon[0]?.();
  recorder.flush();
  assert.equal(written.length, 1);
  const lines =
    written[0]
      ?.trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)) ?? [];
  assert.deepEqual(
    lines.map(([id, , , , , , , , , status, billable]) => [id, status, billable]),
    [
      ['a', 200, 1],
      ['b', 404, 0],
    ],
  );
  recorder.record(eventOf('c'));
  assert.equal(soon.length, 2);
});

test('no more wait than the queue holds; what is over is dropped and counted, until there is room', () => {
  const { recorder, written, dropped } = open(3);
  for (const id of ['a', 'b', 'c', 'd', 'e']) recorder.record(eventOf(id));
  recorder.flush();
  recorder.record(eventOf('f'));
  recorder.flush();
  assert.deepEqual(dropped, [
    [2, 'queue_full'],
    [1, 'queue_full'],
  ]);
  assert.equal(recorder.waiting(), 3);
  recorder.settle(2);
  recorder.record(eventOf('g'));
  recorder.flush();
  assert.equal(recorder.waiting(), 2);
  assert.deepEqual(
    written.map((lines) => lines.trimEnd().split('\n').length),
    [3, 1],
  );
});

test('a spool that fails drops its turn and nothing else; whoever records does not hear of it', () => {
  const { recorder, written, dropped, fail } = open();
  fail(new Error('no space left on device'));
  recorder.record(eventOf('a'));
  recorder.record(eventOf('b'));
  recorder.flush();
  fail(undefined);
  recorder.record(eventOf('c'));
  recorder.flush();
  assert.deepEqual(dropped, [[2, 'spool_failed']]);
  assert.deepEqual([written.length, recorder.waiting()], [1, 1]);
});

test('what is taken over from others takes room in the queue', () => {
  const { recorder, dropped } = open(3);
  recorder.settle(-3);
  recorder.record(eventOf('a'));
  recorder.flush();
  assert.deepEqual(dropped, [[1, 'queue_full']]);
});

test('whoever can wait is told when half of the queue is free', async () => {
  const { recorder } = open(4);
  recorder.record(eventOf('a'));
  assert.equal(recorder.room(), undefined);
  recorder.record(eventOf('b'));
  recorder.flush();
  let isRoom = false;
  const room = recorder.room()?.then(() => {
    isRoom = true;
  });
  await Promise.resolve();
  assert.ok(room && !isRoom);
  recorder.settle(1);
  await room;
  assert.equal(recorder.room(), undefined);
});
