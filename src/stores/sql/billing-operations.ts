/** The outbox of billing: closing windows, and sending under one lease, one event of a customer and meter at a time. */
import { randomBytes } from 'node:crypto';
import type {
  BillingEvent,
  BillingLease,
  Conclusion,
  LeaseRequest,
  RoundResult,
} from '../../usage/billing/billing-store.ts';
import { identifierOf, toBillingEvent, toSenderState } from './billing-rows.ts';
import { integer, type Row, type Transaction, text } from './transaction.ts';

/** The one row that all senders share, made by whoever needs it first. */
const installationOf = async (transaction: Transaction): Promise<string> => {
  await transaction.run(
    `INSERT INTO billing_sender (id, installation, lease_until, failures) VALUES (1, $1, 0, 0) ON CONFLICT (id) DO NOTHING`,
    [randomBytes(16).toString('hex')],
  );
  const row = await transaction.first('SELECT installation FROM billing_sender WHERE id = 1', []);
  return row ? text(row, 'installation') : '';
};

const placeOf = (row: Row): (string | number)[] => [
  text(row, 'customer'),
  text(row, 'meter'),
  integer(row, 'window_start'),
  integer(row, 'window_ms'),
];

/** What is added to the sum meanwhile is in it, or begins another. */
const closeOne = async (
  transaction: Transaction,
  installation: string,
  due: Row,
  nowMs: number,
): Promise<BillingEvent | undefined> => {
  const place = placeOf(due);
  const where = 'customer = $1 AND meter = $2 AND window_start = $3 AND window_ms = $4';
  const sum = await transaction.first(
    `DELETE FROM billing_sums WHERE ${where} AND is_dry = $5 RETURNING value, last_at`,
    [...place, integer(due, 'is_dry')],
  );
  if (!sum) return undefined;
  const last = await transaction.first(`SELECT MAX(sequence) AS last FROM billing_events WHERE ${where}`, place);
  const sequence = 1 + Number(last?.['last'] ?? 0);
  const isDry = integer(due, 'is_dry') === 1;
  const named = {
    customer: text(due, 'customer'),
    meter: text(due, 'meter'),
    windowStartMs: integer(due, 'window_start'),
    windowMs: integer(due, 'window_ms'),
    sequence,
  };
  const row = await transaction.first(
    `INSERT INTO billing_events (id, customer, meter, window_start, window_ms, sequence, value, at_ms, payer, state, tries,
        answers, next_at, sending_until, created_at, concluded_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, $11, 0, $12, $13) RETURNING *`,
    [
      identifierOf(installation, named),
      ...place,
      sequence,
      integer(sum, 'value'),
      integer(sum, 'last_at'),
      named.customer,
      isDry ? 'dry' : 'waiting',
      nowMs,
      nowMs,
      isDry ? nowMs : null,
    ],
  );
  return row && toBillingEvent(row);
};

/** To be told before all else: what is told twice may be billed twice. */
const setAside = async (transaction: Transaction, request: LeaseRequest): Promise<number> => {
  const to = (reason: string) =>
    `UPDATE billing_events SET state = 'reconcile', reason = '${reason}', detail = NULL, concluded_at = $1
      WHERE state = 'waiting'`;
  const unconfirmed = await transaction.run(`${to('unconfirmed')} AND first_sent_at < $2`, [
    request.nowMs,
    request.unconfirmedBeforeMs,
  ]);
  const tooOld = await transaction.run(`${to('too_old')} AND first_sent_at IS NULL AND at_ms < $2`, [
    request.nowMs,
    request.tooOldBeforeMs,
  ]);
  return unconfirmed + tooOld;
};

/** What is put off for longer was so by a clock that was ahead. */
const LONGEST_REST_MS = 2 * 3_600_000;

/** Of each payer and meter the first. */
const dueEvents = `SELECT * FROM (
    SELECT billing_events.*, ROW_NUMBER() OVER (PARTITION BY payer, meter ORDER BY next_at, id) AS place
    FROM billing_events WHERE state = 'waiting' AND (next_at <= $1 OR next_at > $2)
  ) AS due WHERE place = 1 ORDER BY next_at, id LIMIT $3`;

const conclude = async (
  transaction: Transaction,
  conclusion: Conclusion,
  { nowMs, untilMs }: RoundResult,
): Promise<void> => {
  const { id } = conclusion;
  switch (conclusion.became) {
    case 'sent':
      // What the biller has, it has, also where somebody gave up waiting for its answer.
      await transaction.run(
        `UPDATE billing_events SET state = 'sent', reason = NULL, detail = NULL, sending_until = 0, concluded_at = $2
          WHERE id = $1 AND state IN ('waiting', 'reconcile')`,
        [id, nowMs],
      );
      return;
    case 'reconcile':
      await transaction.run(
        `UPDATE billing_events SET state = 'reconcile', reason = $2, detail = $3, sending_until = 0, concluded_at = $4
          WHERE id = $1 AND state = 'waiting' AND sending_until = $5`,
        [id, conclusion.reason, conclusion.detail, nowMs, untilMs],
      );
      return;
    case 'waiting':
      await transaction.run(
        `UPDATE billing_events SET next_at = $2, first_sent_at = $3, answers = answers + $4, sending_until = 0
          WHERE id = $1 AND state = 'waiting' AND sending_until = $5`,
        [id, conclusion.nextAtMs, conclusion.firstSentAtMs ?? null, conclusion.answered ? 1 : 0, untilMs],
      );
  }
};

export const billingOperations = {
  async closeBilling(transaction: Transaction, { nowMs, limit }: { nowMs: number; limit: number }) {
    const found = await transaction.all('SELECT * FROM billing_sums WHERE due_at <= $1 ORDER BY due_at LIMIT $2', [
      nowMs,
      limit,
    ]);
    if (found.length === 0) return { closed: 0, dry: [], more: false };
    const installation = await installationOf(transaction);
    const events: BillingEvent[] = [];
    // In the order in which usage is added.
    const inOrder = found.toSorted((one, other) =>
      JSON.stringify(placeOf(one)) < JSON.stringify(placeOf(other)) ? -1 : 1,
    );
    for (const due of inOrder) {
      const event = await closeOne(transaction, installation, due, nowMs);
      if (event) events.push(event);
    }
    return {
      closed: events.length,
      dry: events.filter(({ state }) => state === 'dry'),
      more: found.length === limit,
    };
  },

  async leaseBilling(transaction: Transaction, request: LeaseRequest): Promise<BillingLease> {
    const { holder, nowMs, untilMs, limit } = request;
    await installationOf(transaction);
    const taken = await transaction.run(
      `UPDATE billing_sender SET lease_holder = $1, lease_until = $2
        WHERE id = 1 AND (lease_holder = $1 OR lease_until <= $3 OR lease_until > $4)`,
      [holder, untilMs, nowMs, nowMs + LONGEST_REST_MS],
    );
    const row = taken === 0 ? undefined : await transaction.first('SELECT * FROM billing_sender WHERE id = 1', []);
    if (!row) return { lease: 'held' };
    const sender = toSenderState(row);
    const reconciled = await setAside(transaction, request);
    const rows = await transaction.all(dueEvents, [nowMs, nowMs + LONGEST_REST_MS, sender.failures > 0 ? 1 : limit]);
    for (const due of rows) {
      await transaction.run(
        `UPDATE billing_events SET tries = tries + 1, first_sent_at = COALESCE(first_sent_at, $2), sending_until = $3
          WHERE id = $1`,
        [text(due, 'id'), nowMs, untilMs],
      );
    }
    if (rows.length === 0)
      await transaction.run('UPDATE billing_sender SET lease_holder = NULL, lease_until = $1 WHERE id = 1', [nowMs]);
    return { lease: 'taken', events: rows.map(toBillingEvent), sender, reconciled };
  },

  async concludeBilling(transaction: Transaction, result: RoundResult): Promise<void> {
    const { holder, nowMs, conclusions, restUntilMs, problem, error } = result;
    for (const conclusion of conclusions) await conclude(transaction, conclusion, result);
    const isSent = conclusions.some(({ became }) => became === 'sent');
    await transaction.run(
      `UPDATE billing_sender SET lease_holder = NULL, lease_until = $2,
          failures = CASE WHEN $3 = '' THEN 0 ELSE failures + 1 END,
          problem_since = CASE WHEN $3 = '' THEN NULL WHEN problem = $3 THEN problem_since ELSE $4 END,
          problem = CASE WHEN $3 = '' THEN NULL ELSE $3 END
        WHERE id = 1 AND lease_holder = $1`,
      [holder, restUntilMs, problem ?? '', nowMs],
    );
    if (error !== undefined)
      await transaction.run('UPDATE billing_sender SET last_error = $1, last_error_at = $2 WHERE id = 1', [
        error,
        nowMs,
      ]);
    if (isSent) await transaction.run('UPDATE billing_sender SET last_sent_at = $1 WHERE id = 1', [nowMs]);
  },
};
