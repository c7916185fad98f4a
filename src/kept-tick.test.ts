import assert from 'node:assert/strict';
import { executionAsyncResource } from 'node:async_hooks';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { keepTick, keptTick } from './kept-tick.ts';
import { collectAll } from './start-garbage.ts';

setFlagsFromString('--allow-natives-syntax');
const haveSameShape: unknown = runInThisContext('(one, other) => %HaveSameMap(one, other)');

const tick = (): Promise<object> => new Promise((resolve) => process.nextTick(() => resolve(executionAsyncResource())));

test('what Node queues has the shape of the one that is kept, after garbage was collected too', async () => {
  keepTick();
  await tick();
  assert.ok(typeof haveSameShape === 'function');
  for (let round = 0; round < 2; round++) {
    const resource = await tick();
    assert.notEqual(resource, keptTick());
    assert.equal(haveSameShape(resource, keptTick()), true);
    collectAll();
  }
});
