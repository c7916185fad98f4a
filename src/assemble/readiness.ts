/** What readiness tells of: the store, Redis, payments under way, and everybody whose keys are fetched. */

import type { ReadinessPart } from '../http/health.ts';
import type { Stores } from '../stores/sql/stores.ts';
import type { Billing } from './billing.ts';
import type { Payments } from './payments.ts';
import type { Pods } from './pods.ts';
import type { Shared } from './shared.ts';
import type { Usage } from './usage.ts';

/** Fetches keys of somebody else, and goes on with those it has where they do not answer. */
type Source = Readonly<{
  start(): Promise<void>;
  close(): void;
  status(): Readonly<{ lastError: string | undefined }>;
}>;

export type Remote = Readonly<{ name: string; source: Source }>;

export const mintsOf = (payments: Pick<Payments, 'mints'> | undefined): readonly Remote[] =>
  (payments?.mints.named ?? []).map((mint) => ({ name: `mint ${mint.url}`, source: mint }));

export const remoteParts = (remotes: readonly Readonly<{ name: string; source: Pick<Source, 'status'> }>[]) =>
  remotes.map(
    ({ name, source }): ReadinessPart => ({
      name,
      essential: false,
      check: async () => source.status().lastError,
    }),
  );

/** Of what outlives a reload. */
export const readinessOf = (
  stores: Pick<Stores, 'check' | 'checkWrites'>,
  { redisProblem }: Pick<Shared, 'redisProblem'>,
  payments: Pick<Payments, 'problem'> | undefined,
  pods: Pick<Pods, 'problem'> | undefined,
  usage: Pick<Usage, 'problem'> | undefined,
  billing: Pick<Billing, 'problem'> | undefined,
  remotes: readonly Remote[],
): readonly ReadinessPart[] => [
  { name: 'store', essential: true, check: () => stores.check().then(() => undefined) },
  // Keys, and time that runs, are served by a store that is read alone.
  { name: 'store_writes', essential: false, check: () => stores.checkWrites().then(() => undefined) },
  ...(redisProblem ? [{ name: 'redis', essential: false, check: async () => redisProblem() }] : []),
  ...(payments ? [{ name: 'payments', essential: false, check: async () => payments.problem() }] : []),
  ...(pods ? [{ name: 'pods', essential: false, check: async () => pods.problem() }] : []),
  ...(usage ? [{ name: 'usage', essential: false, check: async () => usage.problem() }] : []),
  ...(billing ? [{ name: 'billing', essential: false, check: async () => billing.problem() }] : []),
  ...remoteParts(remotes),
];
