/** The sender against a local server that speaks Stripe's API, on real stores, by a clock of the test's own. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../../src/core/secret.ts';
import { createOutbound } from '../../src/stores/outbound/exchange.ts';
import { openPostgresStores } from '../../src/stores/postgres/stores.ts';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { createStripeSink } from '../../src/stores/stripe/stripe-sink.ts';
import type { BillingStore } from '../../src/usage/billing/billing-store.ts';
import { createSender, type SenderEvents } from '../../src/usage/billing/sender.ts';
import {
  answering,
  droppedAfter,
  droppedBefore,
  type Fault,
  failingAfter,
  hold,
  rateLimited,
} from '../peers/faults.ts';
import { METER_EVENTS, startStripeServer, stripeKey } from '../peers/stripe-server.ts';
import { createDatabase, startPostgres } from '../servers/postgres.ts';
import { settingsOf } from '../servers/postgres-stores.ts';
import { needs } from '../servers/programs.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { eventOf, linesOf } from '../usage/usage-events.ts';
import { assignmentOf, closedAtMs, DAY_MS, HOUR_MS, start } from './terms.ts';

const silent: SenderEvents = {
  onTotals: () => undefined,
  onDry: () => undefined,
  onAnswer: () => undefined,
  onSetAside: () => undefined,
  onRound: () => undefined,
};

const openSqlite = (t: TestContext): BillingStore => {
  const { path, remove } = createWorkdir('billing');
  const stores = openSqliteStores(join(path, 'test.db'));
  t.after(async () => {
    await stores.close();
    remove();
  });
  return stores.billing;
};

type SceneOptions = Readonly<{
  key?: string;
  timeoutMs?: number;
  store?: BillingStore;
  events?: Partial<SenderEvents>;
}>;

/** `clock.ms` is what everybody takes for now. */
const scene = async (t: TestContext, options: SceneOptions = {}) => {
  const { key = stripeKey, timeoutMs = 2_000, events } = options;
  const clock = { ms: closedAtMs };
  const now = () => clock.ms;
  const store = options.store ?? openSqlite(t);
  const stripe = await startStripeServer({ owner: t, now });
  const outbound = createOutbound();
  t.after(outbound.close);
  const sink = createStripeSink({ url: stripe.url, apiKey: new Secret(key), timeoutMs, outbound });
  const senderOf = (holder: string) =>
    createSender({
      store,
      sink,
      holder,
      callMs: timeoutMs,
      now,
      random: () => 1,
      events: { ...silent, ...events },
    });
  const use = (ids: readonly string[], changes = {}, terms = {}) =>
    store.add(linesOf(ids.map((id) => eventOf(id, changes))), assignmentOf(terms));
  return { clock, store, stripe, senderOf, round: senderOf('one'), use };
};

/** Rounds until nothing is left to do at once. */
const settle = async (round: () => Promise<boolean>): Promise<void> => {
  while (await round());
};

/** Long enough for any rest. */
const REST_MS = 6 * 60_000;

for (const [what, fault, takenAtOnce] of [
  ['too many requests', rateLimited(30), 0],
  ['an error before acting', answering(500, '{"error":{"type":"api_error","message":"m"}}'), 0],
  ['an error after acting', failingAfter(), 2],
  ['a cut before acting', droppedBefore, 0],
  ['a cut after acting', droppedAfter, 2],
] as const satisfies readonly (readonly [string, Fault, number])[]) {
  test(`${what}: what was used is billed once`, async (t) => {
    const { clock, stripe, round, use, store } = await scene(t);
    await use(['a', 'b']);
    stripe.faults.set(METER_EVENTS, fault, { times: 1 });
    await settle(round);
    assert.equal(stripe.total(), takenAtOnce);
    assert.equal((await store.totals(clock.ms)).waiting.count, 1);
    await settle(round);
    assert.equal(stripe.requests().length, 1, 'it rests first');
    clock.ms += REST_MS;
    await settle(round);
    assert.deepEqual([stripe.total(), stripe.requests().length], [2, 2]);
    const [first, second] = stripe.requests();
    assert.equal(first?.body.toString(), second?.body.toString());
    assert.deepEqual(await store.totals(clock.ms).then(({ waiting, sender }) => [waiting.count, sender.problem]), [
      0,
      undefined,
    ]);
  });
}

test('no answer in time, though it was counted: it is asked in the same words, and billed once', async (t) => {
  const { clock, stripe, round, use } = await scene(t, { timeoutMs: 100 });
  await use(['a', 'b', 'c']);
  const held = hold('after');
  stripe.faults.set(METER_EVENTS, held.fault, { times: 1 });
  await settle(round);
  held.release();
  assert.equal(stripe.total(), 3);
  clock.ms += REST_MS;
  await settle(round);
  const keys = stripe.requests().map((asked) => asked.header('idempotency-key'));
  assert.deepEqual([stripe.total(), keys.length, new Set(keys).size], [3, 2, 1]);
});

for (const [what, waitMs, requests, left] of [
  ['just before 24 hours it is sent again', DAY_MS - 11 * 60_000, 2, 'sent'],
  ['after them it is never sent again', DAY_MS - 9 * 60_000, 1, 'reconcile'],
] as const) {
  test(`counted without an answer: ${what}`, async (t) => {
    const { clock, stripe, round, use, store } = await scene(t);
    await use(['a']);
    stripe.faults.set(METER_EVENTS, droppedAfter, { times: 1 });
    await settle(round);
    clock.ms += waitMs;
    await settle(round);
    assert.deepEqual([stripe.total(), stripe.requests().length], [1, requests]);
    const [event] = await store.list({ state: left, after: undefined, limit: 10 });
    assert.equal(event?.reason, left === 'sent' ? undefined : 'unconfirmed');
  });
}

for (const [what, ageMs, total] of [
  ['almost 35 days old is billed', 35 * DAY_MS - 10 * 60_000, 1],
  ['35 days old is not sent, and a person is asked', 35 * DAY_MS - 4 * 60_000, 0],
] as const) {
  test(`usage ${what}`, async (t) => {
    const { clock, stripe, round, use, store } = await scene(t);
    await use(['a'], { atMs: closedAtMs - ageMs });
    clock.ms = closedAtMs;
    await settle(round);
    assert.equal(stripe.total(), total);
    assert.equal((await store.totals(clock.ms)).reconcile.count, 1 - total);
  });
}

test('a server that was out of reach for days has seen nothing: all of it is billed when it is back', async (t) => {
  const { clock, stripe, round, use } = await scene(t);
  await use(['a', 'b']);
  await stripe.outage();
  for (let day = 0; day < 5; day++) {
    await settle(round);
    clock.ms += DAY_MS;
  }
  await stripe.recover();
  await settle(round);
  assert.equal(stripe.total(), 2);
});

test('while nobody answers one event alone is tried', async (t) => {
  const { clock, stripe, round, use, store } = await scene(t);
  const customers = Array.from({ length: 8 }, (_, index) => [`key_${index}`, 'ann', 'cus_ann'] as const);
  const meterOf = Object.fromEntries(customers.map(([keyId]) => [keyId, keyId]));
  for (const [keyId] of customers) await use([keyId], { keyId, rule: keyId }, { customers, meterOf });
  for (const [keyId] of customers) stripe.meters.set(keyId, 'active');
  stripe.faults.set(METER_EVENTS, droppedBefore);
  await settle(round);
  assert.equal(stripe.requests().length, 8);
  clock.ms += REST_MS;
  await settle(round);
  assert.equal(stripe.requests().length, 9);
  stripe.faults.clear();
  clock.ms += REST_MS;
  await settle(round);
  assert.deepEqual([stripe.total(), (await store.totals(clock.ms)).waiting.count], [8, 0]);
});

test('a key that is refused holds everything back, and loses nothing', async (t) => {
  const wrong = await scene(t, { key: 'sk_test_wrong' });
  await wrong.use(['a']);
  await settle(wrong.round);
  const { sender, waiting } = await wrong.store.totals(wrong.clock.ms);
  assert.deepEqual([sender.problem, waiting.count], ['unauthorized', 1]);
  const right = await scene(t, { store: wrong.store });
  right.clock.ms += REST_MS;
  await settle(right.round);
  assert.equal(right.stripe.total(), 1);
  assert.equal((await right.store.totals(right.clock.ms)).sender.problem, undefined);
});

test('a refused event is set aside with the reason, holds up no other, and can be sent to another customer', async (t) => {
  const { clock, stripe, round, use, store } = await scene(t);
  await use(['a', 'b'], {}, { customers: [['key_a', 'ann', 'cus_typo']] });
  await use(['c'], { keyId: 'key_b' }, { customers: [['key_b', 'ann', 'cus_bob']] });
  await settle(round);
  assert.equal(stripe.total(), 1);
  const [event] = await store.list({ state: 'reconcile', after: undefined, limit: 10 });
  assert.deepEqual([event?.reason, event?.detail], ['unknown_customer', "No such customer: 'cus_typo'"]);
  const asked = { id: event?.id ?? '', nowMs: clock.ms, tooOldBeforeMs: 0 };
  await store.resolve({ ...asked, resolution: 'resend', payer: 'cus_ann' });
  await settle(round);
  assert.deepEqual(
    stripe
      .events()
      .map(({ customer, value }) => [customer, value])
      .sort(),
    [
      ['cus_ann', 2],
      ['cus_bob', 1],
    ],
  );
});

test('windows of one customer and meter are told one at a time, each once', async (t) => {
  const { clock, stripe, round, use } = await scene(t);
  for (let hour = 0; hour < 6; hour++) {
    const atMs = start + hour * HOUR_MS;
    await use([`a${hour}`, `b${hour}`], { atMs }, { nowMs: atMs });
  }
  clock.ms = closedAtMs + 6 * HOUR_MS;
  await settle(round);
  assert.deepEqual([stripe.total(), stripe.events().length, stripe.mostAtOnce()], [12, 6, 1]);
});

test('without a sink nothing is sent, and what would be is shown', async (t) => {
  const shown: string[] = [];
  const { store, use, stripe, clock } = await scene(t);
  const dry = createSender({
    store,
    sink: undefined,
    holder: 'dry',
    callMs: 1_000,
    now: () => clock.ms,
    random: () => 1,
    events: { ...silent, onDry: ({ id, value }) => shown.push(`${id.slice(0, 22)} ${value}`) },
  });
  await use(['a', 'b'], {}, { isDry: true });
  await settle(dry);
  assert.deepEqual([shown, stripe.requests().length], [['sp_20260131T230000Z_1_ 2'], 0]);
  assert.equal((await store.totals(clock.ms)).waiting.count, 0);
});

const faultsOf: readonly Fault[] = [droppedBefore, droppedAfter, failingAfter(), rateLimited(), answering(503)];

const step = fc.oneof(
  fc.record({
    do: fc.constant('fail' as const),
    fault: fc.constantFrom(...faultsOf),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constant('use' as const), ids: fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 5 }) }),
  fc.record({ do: fc.constant('send' as const), by: fc.nat({ max: 1 }), minutes: fc.nat({ max: 30 }) }),
);

test('whatever the server does, usage that is sent until it is taken is billed once', async (t) => {
  let run = 0;
  const { clock, stripe, use, store, senderOf } = await scene(t);
  const replicas = [senderOf('one'), senderOf('two')] as const;

  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
  const take = async (one: Step): Promise<readonly number[]> => {
    switch (one.do) {
      case 'fail':
        stripe.faults.set(METER_EVENTS, one.fault, { times: one.times });
        return [];
      case 'send':
        clock.ms += one.minutes * 60_000;
        await replicas[one.by === 0 ? 0 : 1]();
        return [];
      case 'use':
        await use(
          one.ids.map((id) => `${run} ${id}`),
          { atMs: clock.ms },
          { nowMs: clock.ms },
        );
        return one.ids;
    }
  };

  const finish = async (): Promise<void> => {
    stripe.faults.clear();
    for (let left = 1, rounds = 0; left > 0 && rounds < 40; rounds++) {
      clock.ms += HOUR_MS;
      await settle(replicas[0]);
      const { open, waiting } = await store.totals(clock.ms);
      left = open.count + waiting.count;
    }
  };

  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      run += 1;
      const before = stripe.total();
      const used = new Set<number>();
      for (const one of steps) for (const id of await take(one)) used.add(id);
      await finish();
      assert.equal((await store.totals(clock.ms)).reconcile.count, 0);
      assert.equal(stripe.total() - before, used.size);
    }),
    { numRuns: 25 },
  );
});

const postgres = needs('postgres');
const url = postgres.skip ? '' : (await startPostgres({ owner: { after } })).url;

test('ten replicas on PostgreSQL race to send: each event is under way once, and billed once', postgres, async (t) => {
  const settings = settingsOf(await createDatabase({ url }));
  const stores = await Promise.all([1, 2, 3].map(() => openPostgresStores(settings)));
  t.after(async () => {
    await Promise.all(stores.map((one) => one.close()));
  });
  const [store] = stores;
  const { stripe, clock, use } = await scene(t, { ...(store && { store: store.billing }) });
  for (let hour = 0; hour < 12; hour++) {
    const atMs = start + hour * HOUR_MS;
    await use([`a${hour}`, `b${hour}`], { atMs }, { nowMs: atMs });
  }
  clock.ms = closedAtMs + 12 * HOUR_MS;
  const outbound = createOutbound();
  t.after(outbound.close);
  const sink = createStripeSink({ url: stripe.url, apiKey: new Secret(stripeKey), timeoutMs: 2_000, outbound });
  const rounds = Array.from({ length: 10 }, (_, index) =>
    createSender({
      store: stores[index % 3]?.billing ?? assert.fail(),
      sink,
      holder: `replica ${index}`,
      callMs: 2_000,
      now: () => clock.ms,
      random: () => 1,
      events: silent,
    }),
  );
  await until(
    'all is sent',
    async () => {
      await Promise.all(rounds.map((round) => round()));
      const { waiting, open } = await (store ?? assert.fail()).billing.totals(clock.ms);
      return waiting.count + open.count === 0;
    },
    { deadlineMs: 30_000 },
  );
  assert.deepEqual([stripe.total(), stripe.requests().length, stripe.mostAtOnce()], [24, 12, 1]);
});
