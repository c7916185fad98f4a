/** Billing: from new usage to the biller, by way of the outbox. */
import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { createRounds } from '../core/rounds.ts';
import { Secret } from '../core/secret.ts';
import { pause } from '../pause.ts';
import type { Outbound } from '../stores/outbound/exchange.ts';
import type { Stores } from '../stores/sql/stores.ts';
import { createAssigningAdd } from '../usage/billing/assign.ts';
import type { BillingStore, BillingTotals } from '../usage/billing/billing-store.ts';
import type { CustomerStore } from '../usage/billing/customer-store.ts';
import { createSender } from '../usage/billing/sender.ts';
import type { BillingSink } from '../usage/billing/sink.ts';
import type { UsageStore } from '../usage/usage-store.ts';
import { billingProblem, type createBillingEvents } from './billing-events.ts';

export type Billing = Readonly<{
  store: BillingStore;
  customers: CustomerStore;
  isDry: boolean;
  /** As `UsageStore.add`, and puts what is new on bills. */
  addUsage: UsageStore['add'];
  problem(): string | undefined;
  start(): void;
  /** What is under way is waited for. */
  close(): Promise<void>;
}>;

export type BillingParts = Readonly<{
  config: Config;
  stores: Pick<Stores, 'billing' | 'customers'>;
  outbound: Outbound;
  now(): number;
  events: ReturnType<typeof createBillingEvents>;
}>;

const LOOK_AGAIN_MS = 2_000;
const FORGET_AGAIN_MS = 60_000;
/** Longer than Stripe takes usage for: a number that is used again meets nothing of before. */
const KEPT_FOR_MS = 90 * 86_400_000;
const DRY_KEPT_FOR_MS = 7 * 86_400_000;
const MOST_FORGOTTEN_AT_ONCE = 500;
/** One call. A process that ends waits for it. */
const CALL_MS = 10_000;

const noMeter = 'none';

type BillingConfig = NonNullable<Config['billing']>;

const sinkOf = async (billing: BillingConfig, outbound: Outbound): Promise<BillingSink | undefined> => {
  const { stripe_api_key: apiKey, stripe_url: url, dry_run } = billing;
  if (dry_run || !(apiKey instanceof Secret)) return undefined;
  const { createStripeSink } = await import('../stores/stripe/stripe-sink.ts');
  return createStripeSink({ url, apiKey, timeoutMs: CALL_MS, outbound });
};

export const assembleBilling = async ({ config, stores, outbound, now, events }: BillingParts): Promise<Billing> => {
  const { billing } = config;
  if (!billing) throw new TypeError('billing is not configured');
  const { billing: store, customers } = stores;
  const sink = await sinkOf(billing, outbound);
  const meterOf = Object.entries(billing.meters).map(([rule, meter]) => [rule, meter === noMeter ? null : meter]);
  const terms = {
    windowMs: billing.window,
    lateMs: billing.late,
    isDry: sink === undefined,
    meter: billing.meter,
    meterOf: Object.fromEntries(meterOf),
  };
  let latest: BillingTotals | undefined;
  const round = createSender({
    store,
    sink,
    holder: randomUUID(),
    callMs: CALL_MS,
    now,
    random: Math.random,
    events: {
      ...events,
      onTotals(totals) {
        latest = totals;
        events.onTotals(totals);
      },
    },
  });
  const sending = createRounds({ everyMs: LOOK_AGAIN_MS, breatheMs: 1, run: round, pause, onFailed: events.onFailed });
  const forgetting = createRounds({
    everyMs: FORGET_AGAIN_MS,
    breatheMs: 200,
    run: () => store.forget(now() - KEPT_FOR_MS, now() - DRY_KEPT_FOR_MS, MOST_FORGOTTEN_AT_ONCE),
    pause,
    onFailed: events.onFailed,
  });

  return {
    store,
    customers,
    isDry: sink === undefined,
    addUsage: createAssigningAdd(store, customers, terms, now),
    problem: () => billingProblem(latest, now()),

    start() {
      if (!sink) events.onDryRun(billing.dry_run ? 'billing.dry_run' : 'there is no billing.stripe_api_key');
      sending.start();
      forgetting.start();
    },

    async close() {
      await Promise.all([sending.close(), forgetting.close()]);
    },
  };
};
