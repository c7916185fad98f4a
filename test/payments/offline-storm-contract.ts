/** What every store holds to when processes that accept locked tokens are killed, or race for the cap. */
import assert from 'node:assert/strict';
import { type TestContext, type TestOptions, test } from 'node:test';
import { AMOUNT, type OfflineStore, offlinePoints, openOfflineStorm } from './offline-storm.ts';

const KILLS = 40;

export const offlineStormContract = (
  name: string,
  make: (t: TestContext) => Promise<OfflineStore>,
  options: TestOptions = {},
): void => {
  test(
    `${name}: ${KILLS} processes are killed while they accept and settle, and all books agree`,
    options,
    async (t) => {
      const storm = await openOfflineStorm(t, await make(t), 6 * AMOUNT);
      const died = new Map<string, number>();
      let kills = 0;
      for (let index = 0; kills < KILLS; index++) {
        assert.ok(index < 2 * KILLS, `of ${index} processes only ${kills} died`);
        const point = offlinePoints[index % offlinePoints.length] ?? 'posted';
        const again = storm.gifts[Math.floor(Math.random() * storm.gifts.length)];
        const presented = [storm.give(), storm.give(), ...(again ? [again] : [])];
        if (await storm.round(point, presented)) {
          died.set(point, (died.get(point) ?? 0) + 1);
          kills += 1;
        }
        storm.step();
      }
      await storm.recover();
      const taken = await storm.balance();
      for (const point of offlinePoints)
        assert.ok((died.get(point) ?? 0) >= KILLS / 16, `${point}: ${died.get(point)}`);
      t.diagnostic(`${JSON.stringify(Object.fromEntries(died))} of ${storm.gifts.length} tokens; ${taken} sat taken`);
    },
  );

  test(`${name}: several processes race for the cap, and none goes beyond it`, options, async (t) => {
    const cap = 7 * AMOUNT;
    const storm = await openOfflineStorm(t, await make(t), cap);
    const racers = Array.from({ length: 4 }, () => Array.from({ length: 5 }, storm.give));
    await Promise.all(racers.map((presented) => storm.run({ settles: false, untilIdle: false }, presented)));
    assert.equal(await storm.unsettled(), cap);
    assert.equal(storm.mint.spentAmount(), 20 * AMOUNT - cap, 'for the others the mint was asked');
    assert.ok(storm.gifts.every(({ paid }) => paid === 1));
    await storm.recover();
    assert.equal(await storm.balance(), 20 * AMOUNT);
  });
};
