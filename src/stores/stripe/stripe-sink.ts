/** Meter events of Stripe: https://docs.stripe.com/api/billing/meter-event/create */
import { createRequire } from 'node:module';
import type { Secret } from '../../core/secret.ts';
import type { BillingSink } from '../../usage/billing/sink.ts';
import type { Outbound } from '../outbound/exchange.ts';
import { readStripeError } from './errors.ts';
import { createStripeHttpClient } from './http-client.ts';

export type StripeSinkOptions = Readonly<{
  /** Without a path. */
  url: string;
  apiKey: Secret;
  timeoutMs: number;
  outbound: Outbound;
}>;

/** The version that the library's types are of: an account's own version changes nothing here. */
const API_VERSION = '2026-10-28.endive';

/** Loaded as CommonJS, it takes a third less memory, and does not load undici. */
const loadStripe = (): typeof import('stripe').default => createRequire(import.meta.url)('stripe');

export const createStripeSink = ({ url, apiKey, timeoutMs, outbound }: StripeSinkOptions): BillingSink => {
  const Stripe = loadStripe();
  const { hostname, port, protocol } = new URL(url);
  const isPlain = protocol === 'http:';
  const stripe = new Stripe(apiKey.reveal(), {
    apiVersion: API_VERSION,
    httpClient: createStripeHttpClient(outbound),
    host: hostname,
    port: port || (isPlain ? 80 : 443),
    protocol: isPlain ? 'http' : 'https',
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
  });

  return {
    async send({ id, payer, meter, value, atMs, answers }) {
      try {
        const made = await stripe.billing.meterEvents.create(
          {
            event_name: meter,
            identifier: id,
            timestamp: Math.floor(atMs / 1_000),
            payload: { stripe_customer_id: payer, value: String(value) },
          },
          // Without an answer it is the same, and Stripe gives the answer of the first call; an answer that decided nothing
          // would be given again for a day.
          { idempotencyKey: `${id}_${answers}` },
        );
        // Whatever stands between may answer 200 to anything.
        return made.object === 'billing.meter_event' && made.identifier === id
          ? { answer: 'accepted' }
          : { answer: 'unclear', answered: true, detail: 'an answer that is no meter event' };
      } catch (error) {
        if (error instanceof Stripe.errors.StripeError) {
          return readStripeError(error, { identifier: id, secret: apiKey.reveal() });
        }
        return { answer: 'unclear', answered: false, detail: 'the call failed' };
      }
    },
  };
};
