/** `sallyport billing` and `sallyport customers`: work on the store itself, whether the service runs or not. */
import { openStores } from '../assemble/stores.ts';
import type { Config } from '../config/config.ts';
import { Secret } from '../core/secret.ts';
import { customerId, showCustomer, showEvent, showStatus } from '../http/admin/billing-shapes.ts';
import type { Stores } from '../stores/sql/stores.ts';
import type { Resolution } from '../usage/billing/billing-store.ts';
import { TAKEN_FOR_MS } from '../usage/billing/judge.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

type Opened = Readonly<{ stores: Stores; billing: NonNullable<Config['billing']> }>;

const withBilling = async (options: CommandOptions, run: (opened: Opened) => Promise<number>): Promise<number> => {
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  const { billing } = loaded.config;
  if (!billing) {
    fail('billing is not configured: there is no `billing` block');
    return 1;
  }
  const stores = await openStores(loaded.config);
  try {
    return await run({ stores, billing });
  } finally {
    await stores.close();
  }
};

export const showBilling = (options: CommandOptions): Promise<number> =>
  withBilling(options, async ({ stores, billing }) => {
    const isDry = billing.dry_run || !(billing.stripe_api_key instanceof Secret);
    const status = showStatus(await stores.billing.totals(Date.now()), isDry);
    if (options.json) {
      say(JSON.stringify(status));
      return 0;
    }
    const rows = [
      ['open', status.open],
      ['waiting', status.waiting],
      ['reconciliation', status.reconciliation],
    ] as const;
    for (const [what, { events, value, oldest }] of rows) {
      say(
        `${what.padEnd(15)} ${String(events).padStart(8)} events ${String(value).padStart(12)} requests  ${oldest ?? ''}`,
      );
    }
    say(`${'sending'.padEnd(15)} ${String(status.sending).padStart(8)} events`);
    if (isDry) say('nothing is sent: billing.dry_run is on, or there is no billing.stripe_api_key');
    if (status.problem) say(`problem since ${status.problem_since}: ${status.problem}`);
    if (status.last_error) say(`last error ${status.last_error_at}: ${status.last_error}`);
    say(`last sent ${status.last_sent_at ?? 'never'}`);
    return 0;
  });

const MOST_LISTED = 1_000;

export const listReconciliation = (options: CommandOptions & Readonly<{ state?: string }>): Promise<number> =>
  withBilling(options, async ({ stores }) => {
    const state = (['reconcile', 'waiting', 'dry'] as const).find((one) => one === (options.state ?? 'reconcile'));
    if (!state) {
      fail('--state is reconcile, waiting or dry');
      return 2;
    }
    const events = (await stores.billing.list({ state, after: undefined, limit: MOST_LISTED })).map(showEvent);
    if (options.json) say(JSON.stringify({ events }));
    for (const { id, customer_id, meter, value, reason, detail } of options.json ? [] : events) {
      say(`${id}  ${customer_id}  ${meter}  ${value}  ${[reason, detail].filter(Boolean).join(': ')}`);
    }
    if (events.length === MOST_LISTED) fail(`the first ${MOST_LISTED}; there are more`);
    return 0;
  });

type ResolveOptions = CommandOptions & Readonly<{ sent?: true; resend?: true; drop?: true; customer?: string }>;

const resolutionOf = ({ sent, resend, drop }: ResolveOptions): Resolution | undefined => {
  const chosen = [sent && 'sent', resend && 'resend', drop && 'drop'] as const;
  const given = chosen.filter((one) => one !== undefined);
  return given.length === 1 ? given[0] : undefined;
};

const isFit = (resolution: Resolution | undefined, customer: string | undefined): resolution is Resolution =>
  resolution !== undefined &&
  (customer === undefined || (resolution === 'resend' && customerId.safeParse(customer).success));

export const resolveBilling = (ids: readonly string[], options: ResolveOptions): Promise<number> =>
  withBilling(options, async ({ stores }) => {
    const resolution = resolutionOf(options);
    if (!isFit(resolution, options.customer)) {
      fail('give one of --sent, --resend, --drop; --customer is the id of a customer, and goes with --resend');
      return 2;
    }
    const resolveOne = async (id: string): Promise<boolean> => {
      const nowMs = Date.now();
      const asked = { id, resolution, payer: options.customer, nowMs, tooOldBeforeMs: nowMs - TAKEN_FOR_MS };
      const resolved = await stores.billing.resolve(asked);
      if (resolved.resolved === 'done') {
        say(options.json ? JSON.stringify(showEvent(resolved.event)) : `${id} ${resolved.event.state}`);
        return true;
      }
      fail(`${id}: ${resolved.resolved === 'unknown' ? 'there is no such event' : 'needs no decision'}`);
      return false;
    };
    let areAllDone = true;
    for (const id of ids) areAllDone = (await resolveOne(id)) && areAllDone;
    return areAllDone ? 0 : 1;
  });

export const putCustomer = (user: string, customer: string, options: CommandOptions): Promise<number> =>
  withBilling(options, async ({ stores }) => {
    if (user === '' || user.length > 512 || /\p{Cc}/u.test(user) || !customerId.safeParse(customer).success) {
      fail('expected a user, and the id of a customer such as cus_123');
      return 2;
    }
    const put = showCustomer(await stores.customers.put(user, customer, Date.now()));
    say(options.json ? JSON.stringify(put) : `${user} is billed to ${customer} from here on`);
    return 0;
  });

export const showCustomers = (user: string | undefined, options: CommandOptions): Promise<number> =>
  withBilling(options, async ({ stores: { customers } }) => {
    const found = user === undefined ? await customers.list('', MOST_LISTED) : [await customers.find(user)];
    const shown = found.flatMap((one) => (one ? [showCustomer(one)] : []));
    if (options.json) say(JSON.stringify({ customers: shown }));
    for (const { user_id, customer_id } of options.json ? [] : shown) say(`${user_id}  ${customer_id}`);
    if (user === undefined || shown.length > 0) return 0;
    fail(`${user} is no customer`);
    return 1;
  });

export const removeCustomer = (user: string, options: CommandOptions): Promise<number> =>
  withBilling(options, async ({ stores }) => {
    if (await stores.customers.remove(user)) {
      say(options.json ? JSON.stringify({ removed: user }) : `${user} is billed no more from here on`);
      return 0;
    }
    fail(`${user} is no customer`);
    return 1;
  });
