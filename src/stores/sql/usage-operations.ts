/** Events of usage, each once, and their sums by the hour, changed by the same transaction. */
import type { BillingAssignment } from '../../usage/billing/assignment.ts';
import type { Caller } from '../../usage/billing/customer-store.ts';
import type { SpooledLines } from '../../usage/spool.ts';
import type { UsageLine } from '../../usage/usage-line.ts';
import type { UsageAdded } from '../../usage/usage-store.ts';
import { addToBillingSums } from './billing-sums.ts';
import { insertNew } from './insert-rows.ts';
import type { Transaction } from './transaction.ts';
import { callersOf, readUsageLines } from './usage-lines.ts';
import { rowsOf } from './usage-rows.ts';
import { addToUsageSums } from './usage-sums.ts';

/** Each once, in one order for all, so that none waits for another that waits for it. */
const inOrder = (events: readonly UsageLine[]): readonly UsageLine[] => {
  // As one process writes them they are so already.
  if (events.every(([id], index) => index === 0 || (events[index - 1]?.[0] ?? '') < id)) return events;
  const byId = new Map(events.map((event) => [event[0], event]));
  return [...byId.values()].sort(([one], [other]) => (one < other ? -1 : 1));
};

/** Gets the events that were new, in the transaction that has written them: each is on a bill once, and not without it. */
const follow = async (
  transaction: Transaction,
  events: readonly UsageLine[],
  assignment: BillingAssignment | undefined,
): Promise<void> => {
  if (events.length === 0) return;
  await addToUsageSums(transaction, events);
  if (assignment) await addToBillingSums(transaction, events, assignment);
};

export const usageOperations = {
  async addUsage(
    transaction: Transaction,
    { lines, assignment }: { lines: SpooledLines; assignment?: BillingAssignment },
  ): Promise<UsageAdded> {
    const { events, unreadable } = readUsageLines(lines);
    const distinct = inOrder(events);
    const isNew = await insertNew(transaction, rowsOf(distinct), 'id');
    const added = isNew ? distinct.filter(([id]) => isNew.has(id)) : distinct;
    await follow(transaction, added, assignment);
    return { added: added.length, known: events.length - added.length, unreadable };
  },

  /** An operation because it is run by the thread that stores usage: parsing is not for the event loop. */
  findUsageCallers: async (_transaction: Transaction, { lines }: { lines: SpooledLines }): Promise<readonly Caller[]> =>
    callersOf(readUsageLines(lines).events),

  async forgetUsage(
    transaction: Transaction,
    { beforeMs, sumsBeforeMs, limit }: { beforeMs: number; sumsBeforeMs: number; limit: number },
  ): Promise<boolean> {
    const events = await transaction.run(
      `DELETE FROM usage_events WHERE id IN (SELECT id FROM usage_events WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)`,
      [beforeMs, limit],
    );
    const key = 'hour, key_id, user_id, rule';
    const sums = await transaction.run(
      `DELETE FROM usage_hourly WHERE (${key}) IN
        (SELECT ${key} FROM usage_hourly WHERE hour < $1 ORDER BY hour LIMIT $2)`,
      [sumsBeforeMs, limit],
    );
    return Math.max(events, sums) === limit;
  },
};
