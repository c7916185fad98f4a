import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dispatcher } from 'undici';
import type { UpstreamFault } from '../../egress/upstream.ts';
import { Attempt } from './attempt.ts';

const createController = () => {
  const aborts: Error[] = [];
  const controller: Dispatcher.DispatchController = {
    aborted: false,
    paused: false,
    reason: null,
    abort: (reason) => void aborts.push(reason),
    pause: () => undefined,
    resume: () => undefined,
  };
  return { controller, aborts };
};

test('a call that undici would send once more by itself is not: it ends, and counts as sent', () => {
  const faults: UpstreamFault[] = [];
  const receiver = {
    head: () => undefined,
    data: () => undefined,
    end: () => undefined,
    fail: (fault: UpstreamFault) => void faults.push(fault),
  };
  const attempt = new Attempt(receiver, undefined, 1_000).returned();
  const first = createController();
  const second = createController();
  attempt.onRequestStart(first.controller);
  assert.deepEqual([first.aborts.length, faults.length], [0, 0]);
  attempt.onRequestStart(second.controller);
  assert.ok(second.aborts.length > 0);
  assert.deepEqual(
    faults.map(({ failure, sent }) => [failure, sent]),
    [['reset', true]],
  );
});
