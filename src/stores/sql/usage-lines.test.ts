import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allowed, decisionOn, requestOf } from '../../../test/usage/decision-events.ts';
import { eventOf, spooled } from '../../../test/usage/usage-events.ts';
import type { Identity } from '../../core/identity.ts';
import { createDecisionUsage } from '../../usage/decisions.ts';
import { createRecorder } from '../../usage/recorder.ts';
import { writeUsageLine } from '../../usage/usage-line.ts';
import { addLines, createCuts } from '../files/usage-segment.ts';
import { readUsageLines } from './usage-lines.ts';

const open = ({ batchSize = 100, queueSize = 1_000 } = {}) => {
  const written: string[] = [];
  const recorder = createRecorder({
    spool: { write: (lines) => written.push(lines) },
    queueSize,
    isBillable: () => true,
    onRecorded: () => undefined,
    onDropped: () => undefined,
    soon: () => undefined,
  });
  const decided = createDecisionUsage({
    prefix: 'p',
    isBillable: () => true,
    except: new Set(),
    batchSize,
    now: () => 1_000,
    recorder,
  });
  return { recorder, decided, written };
};

/** As the thread that stores them reads them. */
const read = (written: readonly string[]) => readUsageLines(spooled(written.join('')));

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 3_000 }));

const callerOf = (keyId: string, subject: string): Identity => ({
  method: 'api_key',
  keyId,
  limits: [],
  subject,
  scopes: [],
  roles: [],
  claims: {},
});

test('short lines say what whole ones would say, whatever is in them', () => {
  const { recorder, decided, written } = open();
  fc.assert(
    fc.property(text, text, text, text, text, text, (keyId, userId, rule, method, host, path) => {
      const event = decisionOn(allowed(callerOf(keyId, userId)), requestOf(method, host, path), rule);
      decided(event);
      decided(event);
      recorder.flush();
      const { events, unreadable } = read(written);
      assert.deepEqual([events.length, unreadable], [2, 0]);
      const [id = '', again] = events.map(([each]) => each);
      const common = { source: 'decision', atMs: 1_000, keyId, userId, rule, method, host, path, status: 200 } as const;
      const whole = writeUsageLine({ id, ...common, requestBytes: 0, responseBytes: 0, durationMs: 0.5 }, true);
      assert.deepEqual(events[0], JSON.parse(whole));
      assert.notEqual(again, id, 'each has an id of its own');
      recorder.settle(2);
      written.length = 0;
    }),
  );
});

const [ann, bob] = [callerOf('key_a', 'ann'), callerOf('key_b', 'bob')];
const asks = (identity: Identity, path: string) =>
  decisionOn(allowed(identity), requestOf('GET', 'a.example.com', path));

test('callers that come in turn are said once for each write, and each event is of its own', () => {
  const { recorder, decided, written } = open();
  for (const path of ['/1', '/3']) {
    decided(asks(ann, path));
    decided(asks(bob, `${path}b`));
    decided(asks(ann, `${path}c`));
    recorder.flush();
  }
  assert.deepEqual(
    written.map((lines) => lines.split('ann').length - 1),
    [1, 1],
  );
  const { events } = read(written);
  assert.deepEqual(
    events.map(([, , , keyId, userId, , , , path]) => [keyId, userId, path]),
    ['/1', '/3'].flatMap((path) => [
      ['key_a', 'ann', path],
      ['key_b', 'bob', `${path}b`],
      ['key_a', 'ann', `${path}c`],
    ]),
  );
  assert.equal(new Set(events.map(([id]) => id)).size, 6);
});

test('what was dropped takes nothing with it, and a line of another kind neither', () => {
  const { recorder, decided, written } = open({ queueSize: 2 });
  recorder.settle(-2);
  decided(asks(ann, '/dropped'));
  recorder.settle(1);
  decided(asks(ann, '/kept'));
  recorder.flush();
  recorder.settle(2);
  recorder.record(eventOf('entry'));
  decided(asks(ann, '/after'));
  recorder.flush();
  const { events, unreadable } = read(written);
  assert.deepEqual(
    events.map(([, , , keyId, , , , , path]) => [keyId, path]),
    [
      ['key_a', '/kept'],
      ['key_a', '/orders'],
      ['key_a', '/after'],
    ],
  );
  assert.equal(unreadable, 0);
  assert.equal(new Set(events.map(([id]) => id)).size, 3);
});

test('a turn of any size falls into batches that can be read alone', () => {
  const { recorder, decided, written } = open({ batchSize: 2 });
  for (const path of ['/1', '/2', '/3', '/4', '/5']) decided(asks(ann, path));
  recorder.record(eventOf('entry'));
  recorder.flush();
  const bytes = Buffer.from(written.join(''));
  const cuts = createCuts(2);
  assert.equal(addLines(cuts, bytes, 0), 6);
  assert.deepEqual(
    cuts.ends.map((end, index) =>
      read([bytes.toString('utf8', cuts.ends[index - 1] ?? 0, end)]).events.map((line) => line[8]),
    ),
    [
      ['/1', '/2'],
      ['/3', '/4'],
      ['/5', '/orders'],
    ],
  );
});

test('without their heads short lines are unreadable, and nobody else’s', () => {
  const { recorder, decided, written } = open();
  for (const identity of [ann, bob]) decided(asks(identity, '/'));
  recorder.flush();
  const [turn = '', callerA = '', shortA = '', callerB = '', shortB = ''] = written.join('').split(/(?<=\n)/);
  const cases = [
    [[callerA, shortA], 0, 1],
    [[turn, shortA, callerB, shortB], 0, 2],
    [[turn, '[["half"]]\n', shortA, callerB, shortB], 0, 2],
    [[turn, callerA, '[0,"\\u0000",1]\n', shortA], 1, 1],
    [[turn, callerA, '[0,"/",0.5]\n[-1,"/",1]\n[0.5,"/",1]\n', shortA], 1, 3],
  ] as const;
  for (const [lines, events, unreadable] of cases) {
    const found = read(lines);
    assert.deepEqual([found.events.length, found.unreadable], [events, unreadable], lines.join(''));
  }
});
