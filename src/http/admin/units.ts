/** `POST /api/usage/units`: what applications report of requests that are paid for in units. */
import { z } from 'zod';
import { refuse } from '../../core/refusal.ts';
import type { UseReport } from '../../paywall/ledger.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { schemaNames } from './schema-names.ts';

export type ReportUse = (useId: string, units: number) => Promise<UseReport>;

const MOST_UNITS = 1_000_000_000_000;

const report = z
  .strictObject({
    use: z
      .string()
      .regex(/^use_[0-9a-f]{32}$/, 'is not what X-Payment-Use said')
      .describe('What `X-Payment-Use` said.'),
    units: z.number().int().min(0).max(MOST_UNITS).describe('How many the request took.'),
  })
  .register(schemaNames, { id: 'UnitsReport' });

const written = z.object({ use: z.string(), units: z.number().int(), charged: z.number().int() });

export const createReportCall = (reportUse: ReportUse): Endpoint =>
  endpoint({
    method: 'POST',
    path: '/api/usage/units',
    operation: 'reportUnits',
    tag: 'Usage',
    summary: 'Say how many units a request took that was paid for in units.',
    access: 'reporter',
    body: report,
    answers: [{ status: 200, description: 'It is written, or was before with the same number.', shape: written }],
    refusals: ['not_found', 'already_reported'],
    async call({ body: { use, units } }) {
      const outcome = await reportUse(use, units);
      switch (outcome.report) {
        case 'unknown':
          return refuse('not_found', 'There is no such use. It may have been forgotten: they are kept for a day.');
        case 'contradicted':
          return refuse('already_reported', `${outcome.units} units were reported for it before.`);
        case 'written': {
          const { charged, paymentId: payment, rule } = outcome;
          const change = { action: 'report_units', use, units, charged, payment, rule } as const;
          return { status: 200, body: { use, units, charged }, change };
        }
      }
    },
  });
