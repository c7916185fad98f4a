/** `POST /api/usage/units`: what applications report of requests that are paid for in units. */
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { isRefusal, refuse } from '../../core/refusal.ts';
import type { UseReport } from '../../paywall/ledger.ts';
import { readJson } from './json-body.ts';
import type { Outcome } from './outcome.ts';

export const reportPath = '/api/usage/units';

export type ReportUse = (useId: string, units: number) => Promise<UseReport>;

const MOST_UNITS = 1_000_000_000_000;

const report = z.strictObject({
  use: z.string().regex(/^use_[0-9a-f]{32}$/, 'is not what X-Payment-Use said'),
  units: z.number().int().min(0).max(MOST_UNITS),
});

export const createReportCall =
  (reportUse: ReportUse) =>
  async (context: RouterContext): Promise<Outcome> => {
    const given = await readJson(context.req, report);
    if (isRefusal(given)) return given;
    const { use, units } = given;
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
  };
