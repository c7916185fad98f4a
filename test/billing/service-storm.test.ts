/** The whole service killed again and again while it bills, against a local server that speaks Stripe's API. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { droppedAfter, droppedBefore, type Fault, failingAfter } from '../peers/faults.ts';
import { METER_EVENTS, type StripeServer, startStripeServer, stripeKey } from '../peers/stripe-server.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { sumsOf } from '../usage/usage-events.ts';
import { fastClock, fastNow } from './fast-clock.ts';

const KILLS = 9;
const REQUESTS = 15;

const ask = (gate: Sallyport, key: string): Promise<boolean> =>
  request(gate.url, '/auth/native/orders', { headers: { Host: 'a.example.com', Authorization: `Bearer ${key}` } }).then(
    ({ status }) => status === 200,
    () => false,
  );

/** The moment of the kill: while Stripe is asked, before or after it has acted, or any. */
const nextKill = async (stripe: StripeServer, round: number): Promise<void> => {
  if (round % 3 === 0) return delay(Math.random() * 3_000);
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const fault: Fault = async (act) => {
    const answer = round % 3 === 1 ? undefined : await act();
    resolve();
    await delay(50);
    return answer;
  };
  stripe.faults.set(METER_EVENTS, fault, { times: 1 });
  // Where there is nothing to bill, it is not asked.
  await Promise.race([asked, delay(3_000)]);
};

const othersOf = [droppedBefore, droppedAfter, failingAfter()];

test('killed at any moment, with a server that fails: what was used is billed, and once', async (t) => {
  const { path: directory } = createWorkdir('billing', t);
  const stripe = await startStripeServer({ owner: t, now: fastNow });
  const start = () =>
    startSallyport({
      owner: t,
      directory,
      env: fastClock(),
      config: `
usage: { flush_interval: 20ms, spool: "${join(directory, 'spool')}" }
billing: { window: 1m, late: 1s, stripe_url: "${stripe.url}", stripe_api_key: ${stripeKey} }
api_keys: { rate_limit_per_minute: 1000000 }
rules: [{ name: api, match: { path: "/**" }, accept: [api_key] }]
`,
    });
  let gate = await start();
  const { key } = await gate.createKey({ customer_id: 'cus_ann' });
  let answered = 0;
  for (let round = 0; round < KILLS; round++) {
    const asking = Array.from({ length: REQUESTS }, async (_, index) => {
      await delay(index * 20);
      if (await ask(gate, key)) answered += 1;
    });
    await nextKill(stripe, round);
    gate.signal('SIGKILL');
    await gate.exited();
    await Promise.all(asking);
    stripe.faults.clear();
    stripe.faults.set(METER_EVENTS, othersOf[round % 3] ?? droppedBefore, { times: 1 });
    gate = await start();
  }
  stripe.faults.clear();
  const stores = openSqliteStores(join(directory, 'sallyport.db'));
  t.after(stores.close);
  const billable = async () => (await sumsOf(stores.usage)).reduce((sum, one) => sum + one.billableRequests, 0);
  const leftToDo = async () => {
    const { open, waiting } = await stores.billing.totals(fastNow());
    return open.count + waiting.count;
  };
  await until('all answered requests are usage', async () => (await billable()) >= answered, { deadlineMs: 60_000 });
  await until('all of it is billed', async () => (await leftToDo()) === 0 && stripe.total() === (await billable()), {
    deadlineMs: 90_000,
    everyMs: 100,
  });
  assert.ok(answered > 0 && stripe.events().length > 1);
  assert.equal((await stores.billing.totals(fastNow())).reconcile.count, 0);
  assert.equal(new Set(stripe.events().map(({ identifier }) => identifier)).size, stripe.events().length);
});
