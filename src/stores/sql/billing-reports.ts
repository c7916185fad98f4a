/** What people see of billing, and what they decide. */
import type { BillingTotals, EventPage, Resolved, ResolveRequest } from '../../usage/billing/billing-store.ts';
import { noSender, toBillingEvent, toSenderState } from './billing-rows.ts';
import { integer, optionalInteger, type Row, type Transaction } from './transaction.ts';

const toTotal = (row: Row | undefined) => ({
  count: row ? integer(row, 'count') : 0,
  value: row ? integer(row, 'value') : 0,
  oldestAtMs: row && optionalInteger(row, 'oldest'),
});

const total = (from: string, oldest: string): string =>
  `SELECT COUNT(*) AS count, COALESCE(SUM(value), 0) AS value, MIN(${oldest}) AS oldest FROM ${from}`;

/** It begins anew: with another key for the call, and a time that the biller takes. */
const resend = `UPDATE billing_events SET state = 'waiting', reason = NULL, detail = NULL, concluded_at = NULL,
    first_sent_at = NULL, answers = answers + 1, tries = 0, next_at = $2, resolution = 'resend', payer = COALESCE($3, payer),
    at_ms = CASE WHEN at_ms < $4 THEN $2 ELSE at_ms END
  WHERE id = $1 AND state = 'reconcile' RETURNING *`;

const decide = `UPDATE billing_events SET state = $2, concluded_at = $3, resolution = $4
  WHERE id = $1 AND state = 'reconcile' RETURNING *`;

export const billingReportOperations = {
  async sumBilling(transaction: Transaction, { nowMs }: { nowMs: number }): Promise<BillingTotals> {
    const of = async (sql: string) => toTotal(await transaction.first(sql, []));
    const sending = await transaction.first(
      `SELECT COUNT(*) AS count FROM billing_events WHERE state = 'waiting' AND sending_until > $1`,
      [nowMs],
    );
    const sender = await transaction.first('SELECT * FROM billing_sender WHERE id = 1', []);
    return {
      open: await of(`${total('billing_sums', 'window_start')} WHERE is_dry = 0`),
      waiting: await of(`${total('billing_events', 'created_at')} WHERE state = 'waiting'`),
      sending: sending ? integer(sending, 'count') : 0,
      reconcile: await of(`${total('billing_events', 'created_at')} WHERE state = 'reconcile'`),
      sender: sender ? toSenderState(sender) : noSender,
    };
  },

  async listBilling(transaction: Transaction, { state, after, limit }: EventPage) {
    const rows = await transaction.all(
      'SELECT * FROM billing_events WHERE state = $1 AND id > $2 ORDER BY id LIMIT $3',
      [state, after ?? '', limit],
    );
    return rows.map(toBillingEvent);
  },

  async resolveBilling(transaction: Transaction, request: ResolveRequest): Promise<Resolved> {
    const { id, resolution, payer, nowMs, tooOldBeforeMs } = request;
    const row =
      resolution === 'resend'
        ? await transaction.first(resend, [id, nowMs, payer ?? null, tooOldBeforeMs])
        : await transaction.first(decide, [id, resolution === 'sent' ? 'sent' : 'dropped', nowMs, resolution]);
    if (row) return { resolved: 'done', event: toBillingEvent(row) };
    const known = await transaction.first('SELECT 1 AS one FROM billing_events WHERE id = $1', [id]);
    return { resolved: known ? 'not_open' : 'unknown' };
  },

  async forgetBilling(
    transaction: Transaction,
    { beforeMs, dryBeforeMs, limit }: { beforeMs: number; dryBeforeMs: number; limit: number },
  ): Promise<boolean> {
    const forget = (states: string, before: number) =>
      transaction.run(
        `DELETE FROM billing_events WHERE id IN
          (SELECT id FROM billing_events WHERE state IN (${states}) AND concluded_at < $1 ORDER BY concluded_at LIMIT $2)`,
        [before, limit],
      );
    return Math.max(await forget(`'sent', 'dropped'`, beforeMs), await forget(`'dry'`, dryBeforeMs)) === limit;
  },
};
