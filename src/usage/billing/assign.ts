/** Says, for usage on its way to the store, which customer each of its callers is. */
import type { UsageStore } from '../usage-store.ts';
import type { BillingAssignment } from './assignment.ts';
import type { BillingStore } from './billing-store.ts';
import type { Caller, CustomerStore } from './customer-store.ts';

export type BillingTerms = Omit<BillingAssignment, 'nowMs' | 'customers'>;

const parse = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

/** What is no event is nobody's here; the store counts it. */
const linesOf = (given: string): unknown[] => {
  const lines = given.trimEnd();
  const all = parse(`[${lines.replaceAll('\n', ',')}]`);
  return Array.isArray(all) ? all : lines.split('\n').map(parse);
};

/** Each once, and only of what is billable. */
export const callersOf = (lines: string): Caller[] => {
  const callers = new Map<string, Caller>();
  for (const line of linesOf(lines)) {
    if (!Array.isArray(line) || line[10] !== 1) continue;
    const [keyId, userId] = [line[3], line[4]];
    if (typeof keyId !== 'string' || typeof userId !== 'string' || (keyId === '' && userId === '')) continue;
    callers.set(JSON.stringify([keyId, userId]), [keyId, userId]);
  }
  return [...callers.values()];
};

/** Throws where the customers cannot be read: usage waits until it is known whose it is. */
export const createAssigningAdd =
  (store: BillingStore, customers: CustomerStore, terms: BillingTerms, now: () => number): UsageStore['add'] =>
  async (lines) => {
    const callers = callersOf(lines);
    const found = await customers.ofCallers(callers);
    const named = callers.flatMap(([keyId, userId], index) => {
      const customer = found[index];
      return customer === undefined ? [] : [[keyId, userId, customer] as const];
    });
    return store.add(lines, { ...terms, nowMs: now(), customers: named });
  };
