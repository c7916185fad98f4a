/** Usage by the hour: what is added to it, and what is asked of it. */
import type { UsageLine } from '../../usage/usage-line.ts';
import type { UsageGroup, UsageQuestion, UsageSum, UsageWindow } from '../../usage/usage-store.ts';
import { insertRows } from './insert-rows.ts';
import { integer, type Row, type SqlValue, type Transaction, text } from './transaction.ts';

const HOUR_MS = 3_600_000;

const monthOf = (ms: number): number => {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
};

const sums = ['requests', 'billable_requests', 'request_bytes', 'response_bytes', 'duration_us'] as const;

type Counts = [requests: number, billable: number, requestBytes: number, responseBytes: number, durationUs: number];

type Hour = readonly [hour: number, month: number, keyId: string, userId: string, rule: string];

type Sum = readonly [Hour, Counts];

const sumUp = (events: readonly UsageLine[]): Sum[] => {
  /** By key and user: to write down a whole place takes longer than the rest. */
  const byCaller = new Map<string, Sum[]>();
  const find = (hour: number, keyId: string, userId: string, rule: string): Sum => {
    const caller = `${keyId} ${userId}`;
    const sums = byCaller.get(caller) ?? [];
    const known = sums.find(([of]) => of[0] === hour && of[2] === keyId && of[3] === userId && of[4] === rule);
    if (known) return known;
    const made: Sum = [
      [hour, monthOf(hour), keyId, userId, rule],
      [0, 0, 0, 0, 0],
    ];
    sums.push(made);
    byCaller.set(caller, sums);
    return made;
  };
  let last: Sum | undefined;
  for (const event of events) {
    const [, atMs, , keyId, userId, rule, , , , , billable, requestBytes, responseBytes, durationUs] = event;
    const hour = atMs - (atMs % HOUR_MS);
    // Neighbours are much alike.
    const [of] = last ?? [];
    const isSame = of?.[0] === hour && of[2] === keyId && of[3] === userId && of[4] === rule;
    last = isSame && last ? last : find(hour, keyId, userId, rule);
    const [, counts] = last;
    counts[0] += 1;
    counts[1] += billable;
    counts[2] += requestBytes;
    counts[3] += responseBytes;
    counts[4] += durationUs;
  }
  return [...byCaller.values()].flat();
};

const update = sums.map((sum) => `${sum} = usage_hourly.${sum} + excluded.${sum}`).join(', ');

/** In one order for all, so that none waits for another that waits for it. */
export const addToUsageSums = async (transaction: Transaction, events: readonly UsageLine[]): Promise<void> => {
  const places = sumUp(events)
    .map((sum) => [JSON.stringify(sum[0]), sum] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  await insertRows(
    transaction,
    {
      head: `INSERT INTO usage_hourly (hour, month, key_id, user_id, rule, ${sums.join(', ')}) VALUES`,
      rows: places.map(([, [hour, counts]]) => [...hour, ...counts]),
    },
    `ON CONFLICT (hour, key_id, user_id, rule) DO UPDATE SET ${update}`,
  );
};

const startOf: Readonly<Record<UsageWindow, string>> = {
  hour: 'hour',
  day: 'hour - hour % 86400000',
  month: 'month',
};

const columnOf: Readonly<Record<UsageGroup, string>> = { key: 'key_id', user: 'user_id', rule: 'rule' };

const toSum = (row: Row, groupBy: readonly UsageGroup[]): UsageSum => ({
  startMs: integer(row, 'start_ms'),
  groups: Object.fromEntries(groupBy.map((group) => [group, text(row, columnOf[group])])),
  requests: integer(row, 'requests'),
  billableRequests: integer(row, 'billable_requests'),
  requestBytes: integer(row, 'request_bytes'),
  responseBytes: integer(row, 'response_bytes'),
  durationMs: integer(row, 'duration_us') / 1_000,
});

/** Numbers each value by its place. */
const createParameters = () => {
  const values: SqlValue[] = [];
  return { values, add: (value: SqlValue): string => `$${values.push(value)}` };
};

export const usageSumOperations = {
  async sumUsage(transaction: Transaction, question: UsageQuestion): Promise<readonly UsageSum[]> {
    const { fromMs, toMs, window, groupBy, after, limit } = question;
    const { values, add } = createParameters();
    const places = [startOf[window], ...groupBy.map((group) => columnOf[group])];
    const asked = [
      ['key_id', question.keyId],
      ['user_id', question.userId],
      ['rule', question.rule],
    ] as const;
    const conditions = [
      `hour >= ${add(fromMs)} AND hour < ${add(toMs)}`,
      ...asked.flatMap(([column, value]) => (value === undefined ? [] : [`${column} = ${add(value)}`])),
      ...(after ? [`(${places.join(', ')}) > (${[after.startMs, ...after.groups].map(add).join(', ')})`] : []),
    ];
    const rows = await transaction.all(
      `SELECT ${places[0]} AS start_ms, ${[...places.slice(1), ...sums.map((sum) => `SUM(${sum}) AS ${sum}`)].join(', ')}
        FROM usage_hourly WHERE ${conditions.join(' AND ')}
        GROUP BY ${places.join(', ')} ORDER BY ${places.join(', ')} LIMIT ${add(limit)}`,
      values,
    );
    return rows.map((row) => toSum(row, groupBy));
  },
};
