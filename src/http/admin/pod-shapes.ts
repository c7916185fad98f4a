/** What the admin API and the command line show of pods. */
import { z } from 'zod';
import type { PodRow } from '../../pods/pod-store.ts';
import { schemaNames } from './schema-names.ts';

const optionalTime = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

const moment = z.iso.datetime().nullable();

export const shownPod = z
  .object({
    name: z.string(),
    template: z.string(),
    rule: z.string(),
    payment: z.string().describe('The id of the payment that opened the account.'),
    amount: z.number(),
    unit: z.string(),
    state: z
      .enum(['wanted', 'created', 'ready', 'expired', 'deleted', 'given_back'])
      .describe('`wanted`: paid for, and not there. `given_back`: could not be made; the price is credit again.'),
    ip: z.string().nullable(),
    wanted_at: z.iso.datetime(),
    created_at: moment,
    ready_at: moment,
    expires_at: z.iso.datetime().describe('While it is wanted: if it were created as soon as it was paid for.'),
    ended_at: moment,
  })
  .register(schemaNames, { id: 'Pod' });

export const showPod = (row: PodRow): z.infer<typeof shownPod> => ({
  name: row.name,
  template: row.template,
  rule: row.rule,
  payment: row.paymentId,
  amount: row.amount,
  unit: row.unit,
  state: row.ending ?? row.stage,
  ip: row.ip ?? null,
  wanted_at: new Date(row.wantedAtMs).toISOString(),
  created_at: optionalTime(row.createdAtMs),
  ready_at: optionalTime(row.readyAtMs),
  expires_at: new Date(row.expiresAtMs).toISOString(),
  ended_at: optionalTime(row.endedAtMs),
});
