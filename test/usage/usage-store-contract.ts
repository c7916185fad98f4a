/** What every store of usage holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { UsageStore } from '../../src/usage/usage-store.ts';
import { countOf, eventOf, lastHour, linesOf, spooled, sumsOf, textOf } from './usage-events.ts';

const HOUR_MS = 3_600_000;

/** Twice the same store, as two replicas have it. */
export type OpenUsageStores = (t: TestContext) => Promise<readonly [UsageStore, UsageStore]>;

export const usageStoreContract = (
  name: string,
  open: OpenUsageStores,
  options: { skip?: string | false } = {},
): void => {
  const guarantee = (what: string, check: (store: UsageStore, other: UsageStore) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(...(await open(t))));

  guarantee('an event counts once, however often and by whomever it is told', async (store, other) => {
    const lines = linesOf([eventOf('a'), eventOf('b'), eventOf('a')]);
    assert.deepEqual(await store.add(lines), { added: 2, known: 1, unreadable: 0 });
    assert.deepEqual(await other.add(lines), { added: 0, known: 3, unreadable: 0 });
    assert.deepEqual(await other.add(linesOf([eventOf('b'), eventOf('c')])), { added: 1, known: 1, unreadable: 0 });
    assert.equal(await countOf(store), 3);
  });

  guarantee('twenty replicas that tell of the same events at once count each once', async (store, other) => {
    const events = Array.from({ length: 700 }, (_, index) => eventOf(`e${index}`, { keyId: `k${index % 7}` }));
    const shuffled = events.toSorted((one, another) => (one.id < another.id ? 1 : -1));
    const told = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? store : other).add(linesOf(index % 3 ? events : shuffled))),
    );
    assert.equal(
      told.reduce((sum, { added }) => sum + added, 0),
      700,
    );
    assert.equal(await countOf(store), 700);
  });

  guarantee('sums are by hour, day and month in UTC, and by what was asked for', async (store) => {
    await store.add(
      linesOf([
        eventOf('a', { atMs: lastHour + HOUR_MS - 1 }),
        eventOf('b', { atMs: lastHour + HOUR_MS, keyId: 'key_b', status: 500, responseBytes: 0 }),
        eventOf('c', { atMs: lastHour, userId: 'bob', rule: 'other', durationMs: 1_500 }),
        eventOf('d', { atMs: lastHour - 23 * HOUR_MS, keyId: '', userId: '' }),
      ]),
    );
    const [january, february] = await sumsOf(store);
    assert.deepEqual(january, {
      startMs: Date.UTC(2026, 0),
      groups: {},
      requests: 3,
      billableRequests: 3,
      requestBytes: 3,
      responseBytes: 30,
      durationMs: 1_501,
    });
    assert.deepEqual(
      [february?.startMs, february?.requests, february?.billableRequests, february?.responseBytes],
      [Date.UTC(2026, 1), 1, 0, 0],
    );
    const short = async (...question: Parameters<typeof sumsOf> extends [unknown, (infer Q)?] ? [Q] : never) =>
      (await sumsOf(store, question[0])).map(({ startMs, groups, requests }) => [
        startMs,
        ...Object.values(groups),
        requests,
      ]);
    assert.deepEqual(await short({ window: 'day' }), [
      [Date.UTC(2026, 0, 31), 3],
      [Date.UTC(2026, 1), 1],
    ]);
    assert.deepEqual(await short({ window: 'hour', groupBy: ['key'] }), [
      [Date.UTC(2026, 0, 31), '', 1],
      [lastHour, 'key_a', 2],
      [Date.UTC(2026, 1), 'key_b', 1],
    ]);
    assert.deepEqual(await short({ groupBy: ['user', 'rule'], toMs: lastHour + HOUR_MS }), [
      [Date.UTC(2026, 0), '', 'api', 1],
      [Date.UTC(2026, 0), 'ann', 'api', 1],
      [Date.UTC(2026, 0), 'bob', 'other', 1],
    ]);
    assert.deepEqual(await short({ keyId: 'key_a' }), [[Date.UTC(2026, 0), 2]]);
    assert.deepEqual(await short({ userId: 'ann', fromMs: lastHour + HOUR_MS }), [[Date.UTC(2026, 1), 1]]);
    assert.deepEqual(await short({ rule: "' OR 1=1 --" }), []);
  });

  guarantee('pages follow one another without a gap', async (store) => {
    const events = Array.from({ length: 60 }, (_, index) =>
      eventOf(`e${index}`, { atMs: lastHour + (index % 3) * HOUR_MS, keyId: `k${index % 5}`, rule: `r${index % 4}` }),
    );
    await store.add(linesOf(events));
    const question = { window: 'hour', groupBy: ['key', 'rule'] } as const;
    const whole = await sumsOf(store, question);
    assert.equal(whole.length, 60);
    const paged = [];
    for (let after = undefined; ; ) {
      const page = await sumsOf(store, { ...question, limit: 7, after });
      paged.push(...page);
      const last = page.at(-1);
      if (page.length < 7 || !last) break;
      after = { startMs: last.startMs, groups: Object.values(last.groups) };
    }
    assert.deepEqual(paged, whole);
  });

  guarantee('events are forgotten by their age, a few at a time, and their sums are kept longer', async (store) => {
    const events = Array.from({ length: 10 }, (_, index) => eventOf(`e${index}`, { atMs: lastHour + index }));
    await store.add(linesOf(events));
    assert.equal(await store.forget(lastHour + 5, 0, 3), true);
    assert.equal(await store.forget(lastHour + 5, 0, 3), false);
    assert.equal(await countOf(store), 10);
    const again = await store.add(linesOf(events.slice(4)));
    assert.deepEqual(again, { added: 1, known: 5, unreadable: 0 }, 'what is forgotten alone is taken for new');
    assert.equal(await store.forget(0, lastHour + 1, 3), false);
    assert.equal(await countOf(store), 0);
  });

  guarantee('lines that are no event are counted, and the rest is kept', async (store) => {
    const [line = ''] = textOf([eventOf('a')]).split('\n');
    const broken = [
      '',
      '{}',
      'null',
      '[]',
      line.slice(0, -1),
      line.replace('200', '2e400'),
      line.replace('200', '1.5'),
      line.replace('ann', '\\u0000'),
      `${line.slice(0, -1)},1]`,
      '\0\0\0',
    ];
    const added = await store.add(spooled(`${[...broken, line].join('\n')}\n`));
    assert.deepEqual(added, { added: 1, known: 0, unreadable: broken.length });
    assert.equal(await countOf(store), 1);
    assert.deepEqual(await store.add(spooled('no event at all\n')), { added: 0, known: 0, unreadable: 1 });
  });

  guarantee(
    'of a file, what is between two places is added; where a part of that is missing, nothing is',
    async (store) => {
      const [before, wanted] = [textOf([eventOf('ü')]), textOf([eventOf('a'), eventOf('b')])];
      const { path, to } = spooled(`${before}${wanted}${before}`);
      const from = Buffer.byteLength(before);
      assert.deepEqual(await store.add({ path, from, to: to - from }), { added: 2, known: 0, unreadable: 0 });
      await assert.rejects(store.add({ path, from: 0, to: to + 1 }), /ends at byte/);
      await assert.rejects(store.add({ path: `${path}-gone`, from: 0, to }), /ENOENT/);
      assert.equal(await countOf(store), 2);
    },
  );

  guarantee('whatever an access log says can be kept', async (store) => {
    const odd = '\0\u{1f511}\ud800"\\\n\u2028\'; --';
    const [worst] = [Number.MAX_VALUE];
    await store.add(
      linesOf([
        eventOf('odd', { keyId: odd, userId: odd, rule: odd, method: odd, host: odd, path: odd.repeat(1_000) }),
        eventOf('nan', { atMs: Number.NaN, status: Number.NaN, durationMs: Number.NaN, requestBytes: -1 }),
        eventOf('huge', { atMs: worst, status: worst, durationMs: worst, requestBytes: worst, responseBytes: worst }),
        eventOf('infinite', { atMs: Number.POSITIVE_INFINITY, requestBytes: Number.NEGATIVE_INFINITY }),
        eventOf(odd),
      ]),
    );
    assert.equal(await countOf(store), 5);
  });

  guarantee('any order, repetition and division of what happened gives the same sums', async (store) => {
    const event = fc.record({
      number: fc.nat({ max: 30 }),
      hour: fc.nat({ max: 2 }),
      keyId: fc.constantFrom('', 'k1', 'k2'),
      status: fc.constantFrom(200, 404),
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(event, { maxLength: 9 }), { maxLength: 9 }), async (batches) => {
        round += 1;
        const rule = `rule ${round}`;
        const seen = new Map<string, number>();
        // What an event is does not change when it is told again.
        const told = batches.map((batch) =>
          batch.map(({ number, hour, keyId, status }) => {
            const id = `${round} ${number} ${hour} ${keyId} ${status}`;
            seen.set(id, status);
            return eventOf(id, { atMs: lastHour + hour * HOUR_MS, keyId, status, rule });
          }),
        );
        await Promise.all(told.map((events) => store.add(linesOf(events))));
        const sums = await sumsOf(store, { rule, window: 'hour', groupBy: ['key'] });
        const total = (of: (sum: (typeof sums)[number]) => number) => sums.reduce((sum, one) => sum + of(one), 0);
        assert.equal(
          total(({ requests }) => requests),
          seen.size,
        );
        assert.equal(
          total(({ billableRequests }) => billableRequests),
          [...seen.values()].filter((status) => status === 200).length,
        );
        assert.equal(
          total(({ responseBytes }) => responseBytes),
          10 * seen.size,
        );
      }),
      { numRuns: 40 },
    );
  });
};
