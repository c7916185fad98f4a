import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregatorRegistry, Histogram, Registry } from 'prom-client';
import { Durations } from './durations.ts';

const description = { name: 'wait_seconds', help: 'Waiting.', bounds: [0.001, 0.01, 1] };
const observed: readonly (readonly [string, number])[] = [
  ['nginx', 0],
  ['nginx', 0.001],
  ['nginx', 0.0011],
  ['nginx', 0.5],
  ['nginx', 1.000001],
  ['"odd"\\', 0.01],
];

const both = () => {
  const ours = new Registry();
  const theirs = new Registry();
  const durations = new Durations(ours, { ...description, label: 'dialect' });
  const { bounds, ...rest } = description;
  const histogram = new Histogram({ ...rest, buckets: [...bounds], labelNames: ['dialect'], registers: [theirs] });
  for (const [dialect, seconds] of observed) {
    durations.count(dialect, seconds);
    histogram.observe({ dialect }, seconds);
  }
  return { ours, theirs };
};

test("what is counted is written as prom-client's own histogram writes it, each time it is asked for", async () => {
  const { ours, theirs } = both();
  const text = await ours.metrics();
  assert.equal(text, await theirs.metrics());
  assert.equal(await ours.metrics(), text);
});

test('what several workers counted is added up', async () => {
  const workers = [both(), both()];
  const sum = async (of: 'ours' | 'theirs') =>
    AggregatorRegistry.aggregate(await Promise.all(workers.map((worker) => worker[of].getMetricsAsJSON()))).metrics();
  assert.equal(await sum('ours'), await sum('theirs'));
  assert.match(await sum('ours'), /wait_seconds_count\{dialect="nginx"\} 10/);
});
