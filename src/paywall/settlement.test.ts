import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resolution } from './redeem.ts';
import { createSettlement } from './settlement.ts';

const settled: Resolution = { resolution: 'settled' };
const patient = new AbortController().signal;

test('all who come while a redemption runs share it, with what was to be written first', async () => {
  const redeemed: string[] = [];
  const written: string[] = [];
  const gate = Promise.withResolvers<void>();
  const settle = createSettlement(async (id, write) => {
    await write?.({ holder: 'us', leaseMs: 1_000 });
    redeemed.push(id);
    await gate.promise;
    return settled;
  });
  const write = (id: string) => async () => {
    written.push(id);
    return undefined;
  };
  const all = ['a', 'a', 'b', 'a'].map((id) => settle(id, write(id), patient));
  gate.resolve();
  assert.deepEqual(await Promise.all(all), [settled, settled, settled, settled]);
  assert.deepEqual(
    [redeemed, written],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  );
  await settle('a', undefined, patient);
  assert.deepEqual(redeemed, ['a', 'b', 'a'], 'a new one after its end');
});

test('what the redemption brought to the request that began it is not given to those who share it', async () => {
  const standing = { standing: 'prepared' } as const;
  const presented: string[] = [];
  const settle = createSettlement(async (_, __, present) => {
    present?.();
    return { resolution: 'settled', standing };
  });
  const presentAs = (name: string) => () => {
    presented.push(name);
    return undefined;
  };
  const all = ['first', 'second'].map((name) => settle('a', undefined, patient, presentAs(name)));
  assert.deepEqual(await Promise.all(all), [{ resolution: 'settled', standing }, settled]);
  assert.deepEqual(presented, ['first']);
});

test('what fails fails for all who shared it, and not for who comes later', async () => {
  let fails = true;
  const settle = createSettlement(async () => {
    if (fails) throw new Error('no store');
    return settled;
  });
  const all = await Promise.allSettled([settle('a', undefined, patient), settle('a', undefined, patient)]);
  assert.deepEqual(
    all.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  fails = false;
  assert.deepEqual(await settle('a', undefined, patient), settled);
});

test('where another process acts, one looks again until it is done, and writes nothing again', async () => {
  const answers: Resolution[] = [{ resolution: 'busy' }, { resolution: 'busy' }, { resolution: 'concluded' }];
  const writes: boolean[] = [];
  const settle = createSettlement(async (_, write) => {
    writes.push(write !== undefined);
    return answers.shift() ?? settled;
  });
  const resolution = await settle('a', async () => undefined, patient);
  assert.deepEqual([resolution, writes], [{ resolution: 'concluded' }, [true, false, false]]);
});

test('whoever has no patience any more is not made to look again', async () => {
  let looks = 0;
  const settle = createSettlement(async () => {
    looks += 1;
    return { resolution: 'busy' };
  });
  assert.deepEqual(await settle('a', undefined, AbortSignal.abort()), { resolution: 'busy' });
  assert.equal(looks, 1);
});
