/** Every call of the admin API. Who adds one adds it here, and the OpenAPI document has it. */

import type { Config } from '../config/config.ts';
import { createBillingCalls } from '../http/admin/billing.ts';
import { createCustomerCalls } from '../http/admin/customers.ts';
import type { Endpoint } from '../http/admin/endpoint.ts';
import { createExplainCall, type Explain } from '../http/admin/explain.ts';
import { createImportCall } from '../http/admin/key-import.ts';
import { createKeyLifeCalls } from '../http/admin/key-life.ts';
import { createVerifyCall } from '../http/admin/key-verify.ts';
import { createKeyCalls } from '../http/admin/keys.ts';
import { createPodCalls, type PodCallsParts } from '../http/admin/pods.ts';
import { createReloadCalls } from '../http/admin/reload.ts';
import { createRevokeCall } from '../http/admin/sessions.ts';
import { createReportCall } from '../http/admin/units.ts';
import { createUsageCalls } from '../http/admin/usage.ts';
import type { KeyRegistry } from '../keys/registry.ts';
import type { Verify } from '../keys/verify.ts';
import type { Reloads } from '../reload/reloads.ts';
import type { UsageStore } from '../usage/usage-store.ts';
import type { Billing } from './billing.ts';
import { keyDefaultsOf } from './keys.ts';
import type { Payments } from './payments.ts';

export type AskedReloads = Pick<Reloads, 'reload' | 'status' | 'own'>;

export type AdminParts = Readonly<{
  config: Pick<Config, 'api_keys'>;
  keys: KeyRegistry;
  verify: Verify;
  explain: Explain;
  /** Left out where nothing is sold. */
  payments: Pick<Payments, 'reportUse' | 'revokeSessions'> | undefined;
  /** Left out where payments start no pods. */
  pods: PodCallsParts | undefined;
  /** Left out where usage is not recorded. */
  usage: Readonly<{ store: UsageStore }> | undefined;
  /** Left out where usage is not billed. */
  billing: Pick<Billing, 'store' | 'customers' | 'isDry'> | undefined;
  /** Left out where nothing can be loaded again. */
  reloads?: AskedReloads | undefined;
  now: () => number;
}>;

export const adminEndpoints = (all: AdminParts): Endpoint[] => {
  const { config, keys: registry, verify, explain, payments, pods, usage, billing, reloads, now } = all;
  const parts = { registry, defaults: keyDefaultsOf(config), now };
  return [
    ...createKeyCalls(parts),
    ...createKeyLifeCalls(parts),
    createImportCall(parts),
    createVerifyCall(verify, now),
    createExplainCall(explain),
    ...(usage ? createUsageCalls({ store: usage.store, registry, now }) : []),
    ...(billing ? [...createBillingCalls({ ...billing, now }), ...createCustomerCalls(billing.customers, now)] : []),
    ...(reloads ? createReloadCalls(reloads) : []),
    ...(payments ? [createReportCall(payments.reportUse), createRevokeCall(payments.revokeSessions)] : []),
    ...(pods ? createPodCalls(pods) : []),
  ];
};
