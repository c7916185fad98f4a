import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { billingEvent } from '../../../test/billing/billing-event.ts';
import {
  answering,
  badJson,
  droppedAfter,
  droppedBefore,
  type Fault,
  failingAfter,
  hold,
  hugeBody,
  rateLimited,
  redirected,
} from '../../../test/peers/faults.ts';
import { json } from '../../../test/peers/loopback.ts';
import { METER_EVENTS, startStripeServer, stripeKey } from '../../../test/peers/stripe-server.ts';
import { Secret } from '../../core/secret.ts';
import type { BillingEvent } from '../../usage/billing/billing-store.ts';
import type { SinkAnswer } from '../../usage/billing/sink.ts';
import { createOutbound } from '../outbound/exchange.ts';
import { createStripeSink } from './stripe-sink.ts';

const DAY_MS = 86_400_000;

const eventOf = (changes: Partial<BillingEvent> = {}): BillingEvent =>
  billingEvent({ atMs: Date.now() - 60_000, ...changes });

const scene = async (t: TestContext, { key = stripeKey, timeoutMs = 5_000 } = {}) => {
  const stripe = await startStripeServer({ owner: t });
  const outbound = createOutbound();
  t.after(outbound.close);
  const sink = createStripeSink({ url: stripe.url, apiKey: new Secret(key), timeoutMs, outbound });
  return { stripe, sink };
};

/** What decides, without the words. */
const short = (answer: SinkAnswer): string => {
  switch (answer.answer) {
    case 'accepted':
      return 'accepted';
    case 'refused':
      return `refused ${answer.reason}`;
    case 'not_taken':
      return `not_taken ${answer.why}${answer.retryAfterMs === undefined ? '' : ` ${answer.retryAfterMs}`}`;
    case 'unclear':
      return `unclear ${answer.answered ? 'answered' : 'silent'}`;
  }
};

test('a meter event is sent as Stripe reads it (a local server in its words)', async (t) => {
  const { stripe, sink } = await scene(t);
  assert.deepEqual(await sink.send(eventOf({ atMs: 1_000 * Math.floor(Date.now() / 1_000) + 999 })), {
    answer: 'accepted',
  });
  const [asked] = stripe.requests();
  assert.deepEqual(
    stripe.events().map(({ identifier, meter, customer, value }) => [identifier, meter, customer, value]),
    [['sp_20260131T230000Z_1_abc', 'api_requests', 'cus_ann', 42]],
  );
  assert.equal(asked?.header('idempotency-key'), 'sp_20260131T230000Z_1_abc_0');
  assert.equal(asked?.header('stripe-version'), '2026-10-28.endive');
  assert.equal(asked?.header('x-stripe-client-telemetry'), undefined);
  assert.doesNotMatch(asked?.header('x-stripe-client-user-agent') ?? '', /telemetry_id|"platform"/);
});

test('what Stripe has already counts as taken, whether it says so or plays its answer again', async (t) => {
  const { stripe, sink } = await scene(t);
  for (const answers of [0, 0, 1, 2]) assert.deepEqual(await sink.send(eventOf({ answers })), { answer: 'accepted' });
  assert.equal(stripe.total(), 42);
});

const stripeError =
  (status: number, fields: object, headers = {}): Fault =>
  () =>
    json(status, { error: fields }, headers);

const fromServer: readonly (readonly [what: string, event: Partial<BillingEvent>, expected: string])[] = [
  ['a customer that is not there', { payer: 'cus_nobody' }, 'refused unknown_customer'],
  ['a meter that is not there', { meter: 'other' }, 'refused unknown_meter'],
  ['a meter that is archived', { meter: 'archived' }, 'refused unknown_meter'],
  ['36 days', { atMs: Date.now() - 36 * DAY_MS }, 'refused too_old'],
  ['a clock that is ahead', { atMs: Date.now() + 3_600_000 }, 'not_taken busy'],
  ['an identifier that is too long', { id: 'x'.repeat(101) }, 'refused refused'],
];

for (const [what, event, expected] of fromServer) {
  test(`${what}: ${expected}`, async (t) => {
    const { stripe, sink } = await scene(t);
    stripe.meters.set('archived', 'archived');
    assert.equal(short(await sink.send(eventOf(event))), expected);
    assert.equal(stripe.total(), 0);
  });
}

const invalid = { type: 'invalid_request_error', message: 'No such customer' };
const faults: readonly (readonly [what: string, fault: Fault, expected: string])[] = [
  ['429', rateLimited(), 'not_taken rate_limited'],
  ['429 with Retry-After', rateLimited(7), 'not_taken rate_limited 7000'],
  ['429 that is a lock', stripeError(429, { code: 'lock_timeout', message: 'm' }), 'not_taken busy'],
  ['409 that is a lock', stripeError(409, { code: 'lock_timeout', message: 'm' }), 'not_taken busy'],
  [
    '409 not to be retried',
    stripeError(409, { message: 'm' }, { 'stripe-should-retry': 'false' }),
    'refused not_to_be_retried',
  ],
  ['409 of a call at work', stripeError(409, { code: 'idempotency_key_in_use', message: 'm' }), 'unclear silent'],
  ['400 to be retried', stripeError(400, invalid, { 'stripe-should-retry': 'true' }), 'unclear answered'],
  ['400 of a proxy', answering(400, '<html>'), 'unclear answered'],
  ['404 of a proxy', answering(404, 'not here'), 'unclear answered'],
  [
    'another event of that identifier',
    stripeError(400, { ...invalid, message: 'An event already exists with identifier x' }),
    'refused refused',
  ],
  ['403', stripeError(403, { message: 'The key rk_test_abc may not' }), 'not_taken unauthorized'],
  ['500', stripeError(500, { type: 'api_error', message: 'm' }), 'unclear answered'],
  [
    '500 not to be retried in the same words',
    stripeError(500, { message: 'm' }, { 'stripe-should-retry': 'false' }),
    'unclear answered',
  ],
  ['502 of a proxy', answering(502, 'bad gateway'), 'unclear answered'],
  ['500 after acting', failingAfter(), 'unclear answered'],
  ['a cut before acting', droppedBefore, 'unclear silent'],
  ['a cut after acting', droppedAfter, 'unclear silent'],
  ['200 of somebody else', answering(200, '{}'), 'unclear answered'],
  ['a redirect', redirected('https://example.com/'), 'unclear answered'],
  ['JSON that breaks off', badJson, 'unclear answered'],
  ['an answer without end', hugeBody(2 ** 22), 'unclear silent'],
];

for (const [what, fault, expected] of faults) {
  test(`${what}: ${expected}, after one call`, async (t) => {
    const { stripe, sink } = await scene(t);
    stripe.faults.set(METER_EVENTS, fault);
    assert.equal(short(await sink.send(eventOf())), expected);
    assert.equal(stripe.requests().length, 1);
  });
}

test('no answer in time is unclear, and the call is over', async (t) => {
  const { stripe, sink } = await scene(t, { timeoutMs: 50 });
  const held = hold('after');
  stripe.faults.set(METER_EVENTS, held.fault);
  assert.deepEqual(await sink.send(eventOf()), {
    answer: 'unclear',
    answered: false,
    detail: 'timeout: there was no whole answer within 50 ms',
  });
  held.release();
});

test('a server that is not there has certainly not acted', async (t) => {
  const { stripe, sink } = await scene(t);
  await stripe.outage();
  assert.deepEqual(await sink.send(eventOf()), { answer: 'not_taken', why: 'unreachable', detail: 'ECONNREFUSED' });
});

test('the key is in no answer, however Stripe quotes it', async (t) => {
  const wrong = 'sk_live_canary9876543210';
  const { stripe, sink } = await scene(t, { key: wrong });
  const seen = [await sink.send(eventOf())];
  for (const status of [400, 403, 409, 429, 500]) {
    const quoting = stripeError(status, { ...invalid, message: `of ${wrong}, ${stripeKey} and sk_live_*****3210` });
    stripe.faults.set(METER_EVENTS, quoting);
    seen.push(await sink.send(eventOf()));
  }
  assert.equal(short(seen[0] ?? assert.fail()), 'not_taken unauthorized');
  assert.doesNotMatch(inspect(seen, { depth: 9, showHidden: true }), /canary|3210/);
});
