/** What every store of billing holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { BillingStore } from '../../src/usage/billing/billing-store.ts';
import { eventOf, linesOf, spooled, textOf } from '../usage/usage-events.ts';
import { assignmentOf, closedAtMs, concludeAll, DAY_MS, dueOf, HOUR_MS, leaseOf, start } from './terms.ts';

/** Twice the same store, as two replicas have it, and empty. */
export type OpenBillingStores = (t: TestContext) => Promise<readonly [BillingStore, BillingStore]>;

const add = (store: BillingStore, ids: readonly string[], changes = {}, terms = {}) =>
  store.add(linesOf(ids.map((id) => eventOf(id, changes))), assignmentOf(terms));

const valuesOf = async (store: BillingStore): Promise<Record<string, number>> => {
  const all = await Promise.all(
    (['waiting', 'sent', 'reconcile', 'dropped', 'dry'] as const).map((state) =>
      store.list({ state, after: undefined, limit: 10_000 }),
    ),
  );
  const sums: Record<string, number> = {};
  for (const { payer, meter, value } of all.flat())
    sums[`${payer} ${meter}`] = (sums[`${payer} ${meter}`] ?? 0) + value;
  return sums;
};

const by = fc.integer({ min: 0, max: 1 });

const step = fc.oneof(
  fc.record({
    do: fc.constant('use' as const),
    ids: fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 6 }),
    by,
  }),
  fc.record({ do: fc.constant('close' as const), by }),
  fc.record({ do: fc.constant('send' as const), by, isLost: fc.boolean() }),
  fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 50 }) }),
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What two replicas do to one customer's usage of four hours. `run`: of a customer and time of its own. */
const createStory = (replicas: readonly [BillingStore, BillingStore], run: number) => {
  const firstMs = start + run * 100 * DAY_MS;
  let nowMs = firstMs;
  const told = new Map<string, number>();
  const used = new Set<number>();
  const storeOf = (replica: number): BillingStore => replicas[replica === 0 ? 0 : 1];

  const use = async (replica: number, ids: readonly number[]): Promise<void> => {
    const events = ids.map((id) => eventOf(`${run}-${id}`, { atMs: firstMs + (id % 4) * HOUR_MS }));
    for (const id of ids) used.add(id);
    const customers = [['key_a', 'ann', `cus_${run}`]] as const;
    await storeOf(replica).add(linesOf(events), assignmentOf({ nowMs, customers }));
  };

  const send = async (replica: number, isLost: boolean): Promise<number> => {
    const holder = `replica ${replica}`;
    const events = await dueOf(storeOf(replica), nowMs, holder);
    for (const { id, value } of events) told.set(id, value);
    const conclusions = events.map(({ id }) => ({ id, became: 'sent' }) as const);
    if (isLost) nowMs += 30_000;
    else if (events.length > 0) await concludeAll(storeOf(replica), { nowMs, holder }, conclusions);
    return events.length;
  };

  return {
    used: () => used.size,

    async take(one: Step): Promise<void> {
      switch (one.do) {
        case 'use':
          return use(one.by, one.ids);
        case 'close':
          await storeOf(one.by).close(nowMs, 2);
          return;
        case 'send':
          await send(one.by, one.isLost);
          return;
        case 'wait':
          nowMs += one.minutes * 60_000;
      }
    },

    async toldInTheEnd(): Promise<number> {
      nowMs += DAY_MS / 2;
      while ((await storeOf(0).close(nowMs, 100)).closed > 0);
      while ((await send(0, false)) > 0);
      return [...told.values()].reduce((sum, value) => sum + value, 0);
    },
  };
};

export const billingStoreContract = (
  name: string,
  open: OpenBillingStores,
  options: { skip?: string | false } = {},
): void => {
  const guarantee = (what: string, check: (store: BillingStore, other: BillingStore) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(...(await open(t))));

  guarantee('each caller of billable usage is named once; what is no event is left alone', async (store) => {
    const lines = textOf([
      eventOf('1'),
      eventOf('2'),
      eventOf('3', { keyId: 'key_b' }),
      eventOf('4', { keyId: '', userId: 'bob' }),
      eventOf('5', { keyId: '', userId: '' }),
      eventOf('6', { keyId: 'key_c', status: 500 }),
    ]);
    const expected = [
      ['key_a', 'ann'],
      ['key_b', 'ann'],
      ['', 'bob'],
    ];
    assert.deepEqual(await store.callersOf(spooled(lines)), expected);
    assert.deepEqual(await store.callersOf(spooled(`${lines}{"cut\n`)), expected);
    assert.deepEqual(await store.callersOf(spooled(`[1,2]\nnull\n["a",0,"b",3,4,"","","","","",200,1]\n`)), []);
    assert.deepEqual(await store.callersOf(spooled('')), []);
  });

  guarantee(
    'usage is summed by customer, meter and window, and told when the window is closed',
    async (store, other) => {
      const customers = [
        ['key_a', 'ann', 'cus_ann'],
        ['key_b', 'ann', 'cus_other'],
        ['', 'bob', 'cus_bob'],
      ] as const;
      const terms = { customers, meterOf: { own: 'own_meter', free: null } };
      await add(store, ['1', '2'], {}, terms);
      await add(other, ['2', '3'], { atMs: start + HOUR_MS - 1 }, terms);
      await add(other, ['4'], { atMs: start + HOUR_MS }, { ...terms, nowMs: start + HOUR_MS });
      await add(store, ['5'], { keyId: 'key_b' }, terms);
      await add(store, ['6', '7'], { keyId: '', userId: 'bob', rule: 'own' }, terms);
      await add(store, ['8'], { rule: 'free' }, terms);
      await add(store, ['9'], { status: 500 }, terms);
      await add(store, ['10'], { keyId: 'key_unknown', userId: 'eve' }, terms);
      assert.deepEqual(await store.close(closedAtMs - 1, 100), { closed: 0, dry: [], more: false });
      assert.equal((await other.close(closedAtMs, 100)).closed, 3);
      const events = await store.list({ state: 'waiting', after: undefined, limit: 10 });
      const shown = events.map(({ payer, meter, value, sequence, windowStartMs, atMs }) => ({
        of: `${payer} ${meter} ${value} ${sequence}`,
        windowStartMs,
        atMs,
      }));
      assert.deepEqual(
        shown.toSorted((one, another) => (one.of < another.of ? -1 : 1)),
        [
          { of: 'cus_ann api_requests 3 1', windowStartMs: start, atMs: start + HOUR_MS - 1 },
          { of: 'cus_bob own_meter 2 1', windowStartMs: start, atMs: start },
          { of: 'cus_other api_requests 1 1', windowStartMs: start, atMs: start },
        ].map((one) => (one.of.startsWith('cus_ann') ? { ...one, atMs: start + 1_000 } : one)),
      );
      for (const { id } of events) assert.match(id, /^sp_20260131T230000Z_1_[0-9a-f]{40}$/);
    },
  );

  guarantee('what comes after its window was closed is in a further event of that window', async (store) => {
    await add(store, ['a']);
    await store.close(closedAtMs, 100);
    await add(store, ['b', 'c'], {}, { nowMs: closedAtMs + 5_000 });
    assert.equal((await store.close(closedAtMs + 5_000 + 59_999, 100)).closed, 0);
    assert.equal((await store.close(closedAtMs + 5_000 + 60_000, 100)).closed, 1);
    const events = await store.list({ state: 'waiting', after: undefined, limit: 10 });
    assert.deepEqual(
      events.map(({ sequence, value, windowStartMs }) => [sequence, value, windowStartMs]),
      [
        [1, 1, start],
        [2, 2, start],
      ],
    );
    assert.equal(new Set(events.map(({ id }) => id)).size, 2);
  });

  guarantee('usage from a clock that is ahead is in the window of now', async (store) => {
    await add(store, ['a'], { atMs: start + 500 * DAY_MS });
    assert.equal((await store.close(closedAtMs, 100)).closed, 1);
  });

  guarantee('a dry sum becomes an event that is shown and never due', async (store) => {
    await add(store, ['a'], {}, { isDry: true });
    await add(store, ['b', 'c']);
    const { dry } = await store.close(closedAtMs, 100);
    assert.deepEqual(
      dry.map(({ value, state }) => [value, state]),
      [[1, 'dry']],
    );
    assert.deepEqual(
      (await dueOf(store, closedAtMs)).map(({ value }) => value),
      [2],
    );
  });

  guarantee('two close one window at once, and it is told once', async (store, other) => {
    await add(store, ['a', 'b']);
    const closed = await Promise.all([store, other, store, other].map((one) => one.close(closedAtMs, 100)));
    assert.equal(
      closed.reduce((sum, one) => sum + one.closed, 0),
      1,
    );
  });

  guarantee(
    'twenty who ask at once: one has the lease, and of each customer and meter one event',
    async (store, other) => {
      for (const at of [0, 1, 2])
        await add(store, [`a${at}`, `b${at}`], { atMs: start + at * HOUR_MS }, { nowMs: start + at * HOUR_MS });
      await add(store, ['x'], { rule: 'own' }, { meterOf: { own: 'own_meter' } });
      const atMs = closedAtMs + 3 * HOUR_MS;
      await store.close(atMs, 100);
      const leases = await Promise.all(
        Array.from({ length: 20 }, (_, index) => leaseOf(index % 2 ? store : other, atMs, `holder ${index}`)),
      );
      const taken = leases.flatMap((lease) => (lease.lease === 'taken' ? [lease.events] : []));
      assert.equal(taken.length, 1);
      assert.deepEqual(taken[0]?.map(({ meter }) => meter).sort(), ['api_requests', 'own_meter']);
      const heir = await dueOf(other, atMs + 20_000, 'heir');
      assert.equal(heir.length, 2);
      assert.deepEqual(
        heir.map(({ firstSentAtMs, tries }) => [firstSentAtMs, tries]),
        [
          [atMs, 1],
          [atMs, 1],
        ],
      );
    },
  );

  guarantee(
    'who lost the lease does not undo what the next one has written, but says what was taken',
    async (store) => {
      await add(store, ['a']);
      await store.close(closedAtMs, 100);
      const [event] = await dueOf(store, closedAtMs, 'slow');
      const id = event?.id ?? '';
      const laterMs = closedAtMs + 30_000;
      await dueOf(store, laterMs, 'next');
      const again = { id, became: 'waiting', nextAtMs: 0, answered: false, firstSentAtMs: undefined } as const;
      await concludeAll(store, { nowMs: laterMs, untilMs: closedAtMs + 20_000, holder: 'slow' }, [again]);
      assert.equal((await dueOf(store, laterMs, 'third')).length, 0);
      const [seen] = await store.list({ state: 'waiting', after: undefined, limit: 10 });
      assert.equal(seen?.firstSentAtMs, closedAtMs);
      await concludeAll(store, { nowMs: laterMs, untilMs: closedAtMs + 20_000, holder: 'slow' }, [
        { id, became: 'sent' },
      ]);
      assert.equal((await store.totals(laterMs)).waiting.count, 0);
    },
  );

  guarantee('what was sent without an answer a day ago, or is too old, is set aside and not sent', async (store) => {
    await add(store, ['a']);
    await add(store, ['old'], { atMs: start - 34 * DAY_MS, rule: 'own' }, { meterOf: { own: 'own_meter' } });
    await store.close(closedAtMs, 100);
    const events = await dueOf(store, closedAtMs);
    assert.equal(events.length, 2);
    const later = { became: 'waiting', nextAtMs: closedAtMs + 1, answered: false } as const;
    const conclusions = events.map(({ id, meter }) => ({
      ...later,
      id,
      firstSentAtMs: meter === 'own_meter' ? undefined : closedAtMs,
    }));
    await concludeAll(store, { nowMs: closedAtMs }, conclusions);
    const lease = await leaseOf(store, closedAtMs + 3 * DAY_MS);
    assert.deepEqual(lease.lease === 'taken' && [lease.events, lease.reconciled], [[], 2]);
    const aside = await store.list({ state: 'reconcile', after: undefined, limit: 10 });
    assert.deepEqual(aside.map(({ reason }) => reason).sort(), ['too_old', 'unconfirmed']);
  });

  guarantee('a clock that was ahead for a while puts nothing off for longer than two hours', async (store) => {
    await add(store, ['a']);
    await store.close(closedAtMs, 100);
    const aheadMs = closedAtMs + DAY_MS;
    const [event] = await dueOf(store, aheadMs, 'ahead');
    await concludeAll(store, { nowMs: aheadMs, holder: 'ahead' }, [
      { id: event?.id ?? '', became: 'waiting', nextAtMs: aheadMs, answered: true, firstSentAtMs: undefined },
    ]);
    assert.equal((await dueOf(store, closedAtMs)).length, 1);
  });

  for (const [resolution, state] of [
    ['sent', 'sent'],
    ['drop', 'dropped'],
    ['resend', 'waiting'],
  ] as const) {
    guarantee(`what is set aside can be resolved once: ${resolution}`, async (store) => {
      await add(store, ['a']);
      await store.close(closedAtMs, 100);
      const [event] = await dueOf(store, closedAtMs);
      const id = event?.id ?? '';
      await concludeAll(store, { nowMs: closedAtMs }, [
        { id, became: 'reconcile', reason: 'unknown_customer', detail: 'No such customer' },
      ]);
      const laterMs = closedAtMs + 40 * DAY_MS;
      const ask = () =>
        store.resolve({ id, resolution, payer: 'cus_new', nowMs: laterMs, tooOldBeforeMs: laterMs - 35 * DAY_MS });
      const resolved = await ask();
      assert.equal(resolved.resolved, 'done');
      assert.deepEqual(await ask(), { resolved: 'not_open' });
      const [now] = await store.list({ state, after: undefined, limit: 10 });
      assert.deepEqual(
        [now?.payer, now?.atMs, now?.customer],
        resolution === 'resend' ? ['cus_new', laterMs, 'cus_ann'] : ['cus_ann', start, 'cus_ann'],
      );
      assert.deepEqual(
        (await dueOf(store, laterMs)).map(({ answers }) => answers),
        resolution === 'resend' ? [1] : [],
      );
    });
  }

  guarantee('what nobody knows cannot be resolved', async (store) => {
    const request = { id: 'sp_x', resolution: 'drop', payer: undefined, nowMs: 0, tooOldBeforeMs: 0 } as const;
    assert.deepEqual(await store.resolve(request), { resolved: 'unknown' });
  });

  guarantee('what came to its end long ago is forgotten; what is open never', async (store) => {
    await add(store, ['a']);
    await add(store, ['b'], { rule: 'own' }, { meterOf: { own: 'own_meter' } });
    await add(store, ['c'], {}, { isDry: true });
    await store.close(closedAtMs, 100);
    const [event] = await dueOf(store, closedAtMs);
    await concludeAll(store, { nowMs: closedAtMs }, [{ id: event?.id ?? '', became: 'sent' }]);
    assert.equal(await store.forget(closedAtMs, closedAtMs, 100), false);
    assert.deepEqual(await valuesOf(store), { 'cus_ann api_requests': 2, 'cus_ann own_meter': 1 });
    assert.equal(await store.forget(closedAtMs + 1, closedAtMs + 1, 1), true);
    assert.deepEqual(Object.keys(await valuesOf(store)).length, 1);
    assert.equal((await store.totals(closedAtMs)).waiting.count, 1);
  });

  guarantee('however usage, closing and sending interleave, all of it is told once', async (store, other) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        run += 1;
        const story = createStory([store, other], run);
        for (const one of steps) await story.take(one);
        assert.equal(await story.toldInTheEnd(), story.used());
      }),
      { numRuns: 30 },
    );
  });
};
