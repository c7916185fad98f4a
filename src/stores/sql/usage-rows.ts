/** Events as rows. To hand a database a value costs as much as to store it: what many events have in common is handed over once. */
import type { UsageLine } from '../../usage/usage-line.ts';
import type { Rows } from './insert-rows.ts';
import type { SqlValue } from './transaction.ts';

const columns = `id, at_ms, source, key_id, user_id, rule, method, host, path, status, billable, request_bytes,
  response_bytes, duration_us`;

const headOfWhole = `INSERT INTO usage_events (${columns}) VALUES`;

/** PostgreSQL takes what it is not told of for text. */
const headOfShared = `INSERT INTO usage_events (${columns})
  SELECT column1, CAST(column2 AS BIGINT), $1, $2, $3, $4, $5, $6, column3, CAST($7 AS BIGINT), CAST($8 AS BIGINT),
    CAST(column4 AS BIGINT), CAST(column5 AS BIGINT), CAST(column6 AS BIGINT)
  FROM (VALUES`;
/** SQLite would take ON CONFLICT for the condition of a join. */
const endOfShared = ') AS event WHERE TRUE';

type Group = Readonly<{ first: UsageLine; shared: readonly SqlValue[]; rows: SqlValue[][] }>;

/** With fewer for each statement, to run it costs more than to hand over their values. */
const FEWEST_SHARING = 32;

const isAlike = (one: UsageLine, other: UsageLine): boolean =>
  one[3] === other[3] &&
  one[4] === other[4] &&
  one[5] === other[5] &&
  one[6] === other[6] &&
  one[7] === other[7] &&
  one[2] === other[2] &&
  one[9] === other[9] &&
  one[10] === other[10];

/** Undefined where too few have it in common. */
const groupsOf = (events: readonly UsageLine[]): Group[] | undefined => {
  const groups: Group[] = [];
  let last: Group | undefined;
  for (const event of events) {
    const [id, atMs, source, keyId, userId, rule, method, host, path, status, billable, ...amounts] = event;
    // One after another, for they are few: to write down what they have in common takes longer.
    if (!last || !isAlike(last.first, event)) last = groups.find(({ first }) => isAlike(first, event));
    if (!last) {
      last = { first: event, shared: [source, keyId, userId, rule, method, host, status, billable], rows: [] };
      if (groups.push(last) * FEWEST_SHARING > events.length) return undefined;
    }
    last.rows.push([id, atMs, path, ...amounts]);
  }
  return groups;
};

/**
 * In one order for all, so that hardly anybody who brings the same events waits for another that waits for it; PostgreSQL ends
 * it where it happens, and the transaction is run again.
 */
export const rowsOf = (events: readonly UsageLine[]): Rows[] => {
  const groups = groupsOf(events);
  if (!groups) return [{ head: headOfWhole, rows: events }];
  return groups
    .map(({ shared, rows }) => ({
      place: JSON.stringify(shared),
      rows: { head: headOfShared, end: endOfShared, shared, rows },
    }))
    .sort((one, other) => (one.place < other.place ? -1 : 1))
    .map(({ rows }) => rows);
};
