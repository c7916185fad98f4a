import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapSpaceStatistics } from 'node:v8';
import { returnMemoryWhenIdle } from './start-garbage.ts';

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? Number.NaN;

const idle = () => ({ user: 0, system: 0 });

test('what the young generation grew to is returned when the process is idle, and the flag for it is off again', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const kept: object[][] = [];
  for (let round = 0; round < 40; round++) kept.push(Array.from({ length: 20_000 }, (_, index) => ({ index })));
  kept.length = 0;
  const grown = youngBytes();
  t.mock.method(process, 'cpuUsage', idle);
  returnMemoryWhenIdle();
  t.mock.timers.tick(5_000);
  assert.ok(youngBytes() < grown / 2, `${youngBytes()} of ${grown} bytes are left`);
  assert.equal(globalThis.gc, undefined);
});

test('a busy process is left alone until it is idle, and is made to wait once', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let usedUs = 0;
  let collections = 0;
  returnMemoryWhenIdle({
    cpuUsage: (before) => ({ user: usedUs - (before?.user ?? 0), system: 0 }),
    collect: () => {
      collections += 1;
    },
  });
  for (const [moreUs, expected] of [
    [260_000, 0],
    [5_000_000, 0],
    [250_000, 1],
    [0, 1],
  ] as const) {
    usedUs += moreUs;
    t.mock.timers.tick(5_000);
    assert.equal(collections, expected);
  }
});
