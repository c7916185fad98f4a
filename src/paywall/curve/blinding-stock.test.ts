import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBlindingStock } from './blinding-stock.ts';

const open = (blind: (blinding: { secret: unknown }) => Promise<string>) => {
  const waiting: (() => void)[] = [];
  const stock = createBlindingStock({ blind, later: (run) => waiting.push(run) });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    ...stock,
    async fill() {
      for (const run of waiting.splice(0)) run();
      await settle();
    },
  };
};

test('no blinding is ever given twice, and each is the one that was blinded', async () => {
  const stock = open(async ({ secret }) => `point of ${String(secret)}`);
  const drawn = [];
  for (let round = 0; round < 5; round++) {
    drawn.push(...(await Promise.all(Array.from({ length: 50 }, stock.draw))));
    await stock.fill();
  }
  assert.equal(new Set(drawn.map(({ secret }) => secret)).size, 250);
  assert.equal(new Set(drawn.map(({ blindingFactor }) => blindingFactor)).size, 250);
  for (const { secret, B_, blindingFactor } of drawn) {
    assert.equal(B_, `point of ${secret}`);
    assert.match(blindingFactor, /^[0-9a-f]{64}$/);
  }
});

test('after the first payment blindings are ready: nobody waits for the curve', async () => {
  let made = 0;
  const stock = open(async () => {
    made += 1;
    return '';
  });
  await stock.draw();
  await stock.fill();
  const ready = made;
  assert.ok(ready > 32);
  await Promise.all(Array.from({ length: 32 }, stock.draw));
  assert.equal(made, ready);
});

test('where blinding fails, whoever draws is told, and it is tried again', async () => {
  let broken = true;
  const stock = open(() => (broken ? Promise.reject(new Error('thread')) : Promise.resolve('point')));
  await assert.rejects(stock.draw(), /thread/);
  await stock.fill();
  broken = false;
  assert.equal((await stock.draw()).B_, 'point');
});

test('closed, it draws nothing ahead', async () => {
  let made = 0;
  const stock = open(async () => {
    made += 1;
    return '';
  });
  await stock.draw();
  stock.close();
  await stock.fill();
  assert.equal(made, 1);
});
