/**
 * Speaks the part of Stripe's API that takes meter events, in its request and error forms:
 * https://docs.stripe.com/api/billing/meter-event/create, https://docs.stripe.com/api/errors,
 * https://docs.stripe.com/api/idempotent_requests. Stripe itself cannot be had.
 */
import type { Owner } from '../servers/last-resort.ts';
import { type FaultTable, withFaults } from './faults.ts';
import { type Answer, type Asked, json, type Loopback, listen } from './loopback.ts';

export const METER_EVENTS = '/v1/billing/meter_events';

export type Metered = Readonly<{
  identifier: string;
  meter: string;
  customer: string;
  value: number;
  timestampS: number;
}>;

export type StripeServer = Loopback &
  Readonly<{
    faults: FaultTable;
    /** What counts, each identifier once. */
    events(): readonly Metered[];
    /** Everything it has been asked. */
    requests(): readonly Asked[];
    total(): number;
    /** `archived`: its events are refused. */
    meters: Map<string, 'active' | 'archived'>;
    customers: Set<string>;
    /** How many calls of one customer and meter were under way at once, at most. */
    mostAtOnce(): number;
  }>;

export const stripeKey = 'sk_test_canary0123456789abcdefghij';

const DAY_S = 86_400;

const error = (status: number, fields: Readonly<Record<string, unknown>>, headers = {}): Answer =>
  json(status, { error: { type: 'invalid_request_error', ...fields } }, { 'request-id': 'req_test', ...headers });

const refusal = (message: string, fields = {}): Answer =>
  error(400, { message, ...fields }, { 'stripe-should-retry': 'false' });

const wrongNames = (
  { identifier, meter, customer, value }: Metered,
  { meters, customers }: Pick<StripeServer, 'meters' | 'customers'>,
): Answer[] => {
  const wrong: Answer[] = [];
  if (identifier.length > 100) wrong.push(refusal('Invalid string: at most 100 characters', { param: 'identifier' }));
  if (!Number.isInteger(value)) wrong.push(refusal('Invalid value', { code: 'meter_event_invalid_value' }));
  if (meters.get(meter) === undefined) {
    wrong.push(refusal(`No active meter found for event name ${meter}.`, { code: 'no_meter' }));
  }
  if (meters.get(meter) === 'archived') wrong.push(refusal('The meter is archived.', { code: 'archived_meter' }));
  if (!customers.has(customer)) wrong.push(refusal(`No such customer: '${customer}'`, { code: 'resource_missing' }));
  return wrong;
};

const wrongTimes = ({ timestampS }: Metered, nowS: number): Answer[] => {
  if (timestampS > nowS + 300) return [refusal('The timestamp is in the future.', { code: 'timestamp_in_future' })];
  if (timestampS >= nowS - 35 * DAY_S) return [];
  const message = 'The event timestamp cannot be more than 35 days in past.';
  return [refusal(message, { code: 'timestamp_too_far_in_past' })];
};

export type StripeServerOptions = Readonly<{ owner?: Owner; now?: () => number }>;

export const startStripeServer = async ({ owner, now = Date.now }: StripeServerOptions = {}): Promise<StripeServer> => {
  const meters = new Map<string, 'active' | 'archived'>([['api_requests', 'active']]);
  const customers = new Set(['cus_ann', 'cus_bob']);
  const counted: (Metered & { readonly atS: number })[] = [];
  /** By idempotency key: what was asked, and what was answered to it. */
  const answered = new Map<string, Readonly<{ body: string; answer: Answer }>>();
  const underWay = new Map<string, number>();
  let most = 0;

  const create = (form: URLSearchParams): Answer => {
    const nowS = Math.floor(now() / 1_000);
    const event: Metered = {
      identifier: form.get('identifier') ?? '',
      meter: form.get('event_name') ?? '',
      customer: form.get('payload[stripe_customer_id]') ?? '',
      value: Number(form.get('payload[value]') ?? Number.NaN),
      timestampS: Number(form.get('timestamp') ?? nowS),
    };
    const refused = [...wrongNames(event, { meters, customers }), ...wrongTimes(event, nowS)];
    if (counted.some((one) => one.identifier === event.identifier && one.atS > nowS - DAY_S)) {
      refused.push(refusal(`An event already exists with identifier ${event.identifier}.`));
    }
    if (refused[0]) return refused[0];
    counted.push({ ...event, atS: nowS });
    return json(200, {
      object: 'billing.meter_event',
      created: nowS,
      event_name: event.meter,
      identifier: event.identifier,
      livemode: false,
      payload: { stripe_customer_id: event.customer, value: String(event.value) },
      timestamp: event.timestampS,
    });
  };

  /** An answer other than to what is wrong in itself is kept for the key, errors of the server too. */
  const idempotent = (asked: Asked): Answer => {
    const key = asked.header('idempotency-key') ?? '';
    const body = asked.body.toString();
    const before = answered.get(key);
    if (before && before.body !== body) {
      return error(400, { type: 'idempotency_error', message: 'Keys can only be used with the same parameters.' });
    }
    if (before) return { ...before.answer, headers: { ...before.answer.headers, 'idempotent-replayed': 'true' } };
    const answer = create(new URLSearchParams(body));
    if (answer.status !== 400 && key !== '') answered.set(key, { body, answer });
    return answer;
  };

  const respond = (asked: Asked): Answer => {
    if (asked.header('authorization') !== `Bearer ${stripeKey}`) {
      return error(401, { message: `Invalid API Key provided: ${asked.header('authorization')?.slice(7)}` });
    }
    if (!asked.url.startsWith(METER_EVENTS)) return error(404, { message: `Unrecognized request URL (${asked.url})` });
    if (asked.method !== 'POST') return error(405, { message: 'Method not allowed' });
    if (!asked.header('content-type')?.startsWith('application/x-www-form-urlencoded')) {
      return error(400, { message: 'Invalid request: not a form' });
    }
    if (!/^\d{4}-\d\d-\d\d\.\w+$/.test(asked.header('stripe-version') ?? ''))
      return error(400, { message: 'Invalid version' });
    return idempotent(asked);
  };

  const faulty = withFaults(respond);
  const counting = async (asked: Asked): Promise<Answer | undefined> => {
    const form = new URLSearchParams(asked.body.toString());
    const lane = `${form.get('payload[stripe_customer_id]')} ${form.get('event_name')}`;
    const count = (underWay.get(lane) ?? 0) + 1;
    underWay.set(lane, count);
    most = Math.max(most, count);
    try {
      return await faulty.respond(asked);
    } finally {
      underWay.set(lane, (underWay.get(lane) ?? 1) - 1);
    }
  };

  const loopback = await listen(counting, owner);
  return {
    ...loopback,
    faults: faulty.faults,
    events: () => counted,
    requests: () => faulty.faults.requests('*'),
    total: () => counted.reduce((sum, { value }) => sum + value, 0),
    meters,
    customers,
    mostAtOnce: () => most,
  };
};
