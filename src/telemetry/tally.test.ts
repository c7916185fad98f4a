import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createTally } from './tally.ts';

test('each set of labels has its own count, and asking twice changes nothing', async () => {
  const registry = new Registry();
  const tally = createTally(registry, 'things_total', 'Things.', ['kind', 'result']);
  tally.count({ kind: 'a', result: 'ok' });
  tally.count({ kind: 'a', result: 'ok' }, 5);
  tally.count({ kind: 'a', result: 'failed' });
  tally.count({ kind: 'a "quoted"\\', result: 'ok' });
  const text = await registry.metrics();
  assert.equal(
    text.trim(),
    [
      '# HELP things_total Things.',
      '# TYPE things_total counter',
      'things_total{kind="a",result="ok"} 6',
      'things_total{kind="a",result="failed"} 1',
      'things_total{kind="a \\"quoted\\"\\\\",result="ok"} 1',
    ].join('\n'),
  );
  assert.equal(await registry.metrics(), text);
});

test('what is counted later does not change what was counted before', async () => {
  const registry = new Registry();
  const tally = createTally(registry, 'things_total', 'Things.', ['kind']);
  const labels = { kind: 'a' };
  tally.count(labels);
  labels.kind = 'b';
  tally.count(labels);
  assert.match(await registry.metrics(), /kind="a"\} 1\nthings_total\{kind="b"\} 1/);
});
