/** Billing of the whole service, against a local server that speaks Stripe's API. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering } from '../peers/faults.ts';
import { METER_EVENTS, startStripeServer, stripeKey } from '../peers/stripe-server.ts';
import { adminToken, runSallyport, type Sallyport, startSallyport } from '../sallyport.ts';
import type { Owner } from '../servers/last-resort.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { fastClock, fastNow } from './fast-clock.ts';

const rules = 'rules: [{ name: api, match: { path: "/**" }, accept: [api_key] }]';
const configOf = (billing: string) =>
  `usage: { flush_interval: 20ms }\nbilling: { window: 1m, late: 0s, ${billing} }\n${rules}`;

const ask = async (gate: Pick<Sallyport, 'url'>, key: string) =>
  (
    await request(gate.url, '/auth/native/orders', {
      headers: { Host: 'a.example.com', Authorization: `Bearer ${key}` },
    })
  ).status;

const admin = async (gate: Pick<Sallyport, 'adminUrl'>, method: string, path: string, body?: object) => {
  const response = await fetch(`${gate.adminUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Record<string, unknown>;
};

const start = (owner: Owner, billing: string, env = {}) => startSallyport({ owner, config: configOf(billing), env });

test('usage of keys and users that are customers arrives at Stripe once, and the key of Stripe nowhere', async (t) => {
  const stripe = await startStripeServer({ owner: t, now: fastNow });
  const gate = await start(t, `stripe_url: "${stripe.url}"`, { STRIPE_API_KEY: stripeKey, ...fastClock() });
  const own = await gate.createKey({ user_id: 'ann', customer_id: 'cus_bob' });
  const byUser = await gate.createKey({ user_id: 'ann' });
  const nobody = await gate.createKey({ user_id: 'eve' });
  await admin(gate, 'PUT', '/api/customers/ann', { customer_id: 'cus_ann' });
  for (const { key } of [own, byUser, byUser, nobody]) assert.equal(await ask(gate, key), 200);
  await until('all of it is billed', () => stripe.total() === 3, { deadlineMs: 20_000 });
  const sums = Map.groupBy(stripe.events(), ({ customer }) => customer);
  assert.deepEqual([...sums.keys()].sort(), ['cus_ann', 'cus_bob']);
  const told = [JSON.stringify(await admin(gate, 'GET', '/api/billing/status')), gate.output()];
  told.push(await (await fetch(`${gate.url}/metrics`)).text(), await (await fetch(`${gate.url}/ready`)).text());
  for (const text of told) assert.doesNotMatch(text, /canary/);
  assert.match(told[2] ?? '', /sallyport_billing_events_total\{result="sent"\} [1-9]/);
});

test('a key that Stripe refuses degrades readiness, is one line in the log, and is kept out of it', async (t) => {
  const stripe = await startStripeServer({ owner: t, now: fastNow });
  const gate = await start(t, `stripe_url: "${stripe.url}", stripe_api_key: sk_test_wrong_canary`, fastClock());
  const { key } = await gate.createKey({ customer_id: 'cus_ann' });
  assert.equal(await ask(gate, key), 200);
  const ready = async () => (await fetch(`${gate.url}/ready`)).json() as Promise<Record<string, unknown>>;
  await until('it is degraded', async () => (await ready())['status'] === 'degraded', { deadlineMs: 20_000 });
  await until('it has tried again', () => stripe.requests().length > 1, { deadlineMs: 20_000 });
  assert.match(JSON.stringify(await ready()), /Stripe refuses the API key/);
  assert.equal(gate.log().filter(({ event }) => event === 'billing_refused').length, 1);
  assert.doesNotMatch(gate.output(), /canary/);
  assert.equal(await ask(gate, key), 200);
});

for (const [what, billing] of [
  ['there is no key', ''],
  ['it is a dry run', `dry_run: true, stripe_api_key: ${stripeKey}, `],
] as const) {
  test(`where ${what} nothing is sent, and what would be is in the log and in the list`, async (t) => {
    const stripe = await startStripeServer({ owner: t, now: fastNow });
    const gate = await start(t, `${billing}stripe_url: "${stripe.url}"`, fastClock());
    const { key } = await gate.createKey({ customer_id: 'cus_ann' });
    assert.equal(await ask(gate, key), 200);
    const lines = () => gate.log().filter(({ event, identifier }) => event === 'billing_dry_run' && identifier);
    await until('it is shown', () => lines().length === 1, { deadlineMs: 20_000 });
    assert.deepEqual([lines()[0]?.['customer'], lines()[0]?.['value']], ['cus_ann', 1]);
    const { events } = await admin(gate, 'GET', '/api/billing/reconciliation?state=dry');
    assert.match(JSON.stringify(events), /"state":"dry"/);
    const { waiting, open } = await admin(gate, 'GET', '/api/billing/status');
    const none = { events: 0, value: 0, oldest: null };
    assert.deepEqual([waiting, open, stripe.requests().length], [none, none, 0]);
  });
}

test('the command line shows what Stripe refuses, and a person decides', async (t) => {
  const stripe = await startStripeServer({ owner: t, now: fastNow });
  const gate = await start(t, `stripe_url: "${stripe.url}", stripe_api_key: ${stripeKey}`, fastClock());
  const run = (...args: string[]) => {
    const [command = '', ...rest] = args;
    return runSallyport([...command.split(' '), '--config', 'sallyport.yaml', ...rest], {
      cwd: gate.directory,
      env: fastClock(),
    });
  };
  assert.equal(run('customers put', 'user123', 'cus_typo').status, 0);
  assert.equal(run('customers put', 'user123', 'not a customer').status, 2);
  assert.match(run('customers list').stdout, /^user123 {2}cus_typo$/m);
  const { key } = await gate.createKey();
  assert.equal(await ask(gate, key), 200);
  const refused = async () =>
    JSON.stringify(await admin(gate, 'GET', '/api/billing/reconciliation')).includes('cus_typo');
  await until('it is refused', refused, { deadlineMs: 20_000, everyMs: 100 });
  assert.equal(JSON.parse(run('billing status', '--json').stdout).reconciliation.events, 1);
  const listed = run('billing reconcile');
  assert.match(listed.stdout, /cus_typo {2}api_requests {2}1 {2}unknown_customer: No such customer: 'cus_typo'/);
  const [id = ''] = listed.stdout.split(' ');
  assert.equal(run('billing resolve', id).status, 2);
  assert.equal(run('billing resolve', id, '--drop', '--customer', 'cus_ann').status, 2);
  assert.equal(run('billing resolve', 'sp_other', '--drop').status, 1);
  assert.equal(run('billing resolve', id, '--resend', '--customer', 'cus_ann').status, 0);
  await until('it is billed', () => stripe.total() === 1, { deadlineMs: 20_000 });
  assert.equal(run('billing resolve', id, '--drop').status, 1);
  assert.match(run('billing status').stdout, /^last sent 20/m);
  assert.equal(run('customers remove', 'user123').status, 0);
  assert.equal(run('customers remove', 'user123').status, 1);
});

test('an outage of Stripe refuses no request, and is two lines in the log: its beginning and its end', async (t) => {
  const stripe = await startStripeServer({ owner: t, now: fastNow });
  const gate = await start(t, `stripe_url: "${stripe.url}", stripe_api_key: ${stripeKey}`, fastClock());
  const { key } = await gate.createKey({ customer_id: 'cus_ann' });
  stripe.faults.set(METER_EVENTS, answering(503));
  assert.equal(await ask(gate, key), 200);
  await until('it was tried a few times', () => stripe.requests().length > 2, { deadlineMs: 20_000 });
  assert.equal(await ask(gate, key), 200);
  stripe.faults.clear();
  await until('all of it is billed', () => stripe.total() === 2, { deadlineMs: 20_000 });
  const events = () =>
    gate.log().flatMap(({ event }) => (/^billing_(postponed|resumed)/.test(String(event)) ? [event] : []));
  await until('it is said', () => events().length === 2);
  assert.deepEqual(events(), ['billing_postponed', 'billing_resumed']);
});
