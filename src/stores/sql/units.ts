/**
 * Units: each request reserves some, and its application reports later how many it took. Whatever was bought and not taken
 * stands in `purchases`; what requests have reserved stands in `uses` alone, and ends by itself.
 */
import type { Units } from '../../core/payment.ts';
import type { Debit, Debited, Exhausted, UseReport } from '../../paywall/ledger.ts';
import { balanceOf, lockCredit, spend } from './credits.ts';
import { findRepeated, rememberDebit } from './repeats.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

type WantedUnits = Extract<Debit['buys'], Units>;

/** What was bought on an account for a rule, less what other requests have reserved. */
const unitsLeft = async (
  transaction: Transaction,
  { paymentId, rule, nowMs, useId }: Readonly<{ paymentId: string; rule: string; nowMs: number; useId: string }>,
): Promise<number> => {
  const purchase = await transaction.first('SELECT units_left FROM purchases WHERE payment_id = $1 AND rule = $2', [
    paymentId,
    rule,
  ]);
  const others = await transaction.first(
    `SELECT COALESCE(SUM(reserved), 0) AS reserved FROM uses
      WHERE payment_id = $1 AND rule = $2 AND expires_at > $3 AND reported IS NULL AND id <> $4`,
    [paymentId, rule, nowMs, useId],
  );
  const bought = purchase ? integer(purchase, 'units_left') : 0;
  // Where clocks differ, one process may count a reservation that has ended for another.
  return Math.max(0, bought - (others ? integer(others, 'reserved') : 0));
};

const buyUnits = async (
  transaction: Transaction,
  { paymentId, rule, amount, units }: Readonly<{ paymentId: string; rule: string; amount: number; units: number }>,
): Promise<void> => {
  await spend(transaction, paymentId, amount);
  await transaction.run(
    `INSERT INTO purchases (payment_id, rule, requests_left, expires_at, units_left) VALUES ($1, $2, 0, 0, $3)
      ON CONFLICT (payment_id, rule) DO UPDATE SET units_left = purchases.units_left + excluded.units_left`,
    [paymentId, rule, units],
  );
};

const reserve = async (
  transaction: Transaction,
  paymentId: string,
  debit: Debit,
  { useId, units, reserve: reserved, reportWithinMs }: WantedUnits,
): Promise<void> => {
  const { rule, amount, nowMs } = debit;
  await transaction.run(
    'INSERT INTO uses (id, payment_id, rule, amount, units, reserved, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
    [useId, paymentId, rule, amount, units, reserved, nowMs + reportWithinMs],
  );
  await rememberDebit(transaction, paymentId, debit);
};

/** As `drawOn`, where the account's credit is locked already. */
export const drawUnits = async (
  transaction: Transaction,
  { paymentId, unit }: Readonly<{ paymentId: string; unit: string }>,
  debit: Debit,
  wanted: WantedUnits,
  commit: boolean,
): Promise<Debited | Exhausted> => {
  const { rule, amount, nowMs } = debit;
  const { useId, units } = wanted;
  const balance = await balanceOf(transaction, paymentId);
  const left = await unitsLeft(transaction, { paymentId, rule, nowMs, useId });
  const repeated = await findRepeated(transaction, paymentId, debit);
  if (repeated) {
    return { standing: 'debited', paymentId, balance, use: { id: text(repeated, 'use_id'), unitsLeft: left } };
  }
  const mustBuy = left < wanted.reserve;
  if (unit !== debit.unit || (mustBuy && balance < amount)) {
    return { standing: 'exhausted', paymentId, balance, unit, unitsLeft: left };
  }
  if (commit && mustBuy) await buyUnits(transaction, { paymentId, rule, amount, units });
  if (commit) await reserve(transaction, paymentId, debit, wanted);
  return {
    standing: 'debited',
    paymentId,
    balance: mustBuy ? balance - amount : balance,
    use: { id: useId, unitsLeft: left + (mustBuy ? units : 0) - wanted.reserve },
  };
};

const chargeFor = async (transaction: Transaction, use: Row, reported: number, nowMs: number): Promise<number> => {
  const [useId, paymentId, rule] = [text(use, 'id'), text(use, 'payment_id'), text(use, 'rule')];
  const [amount, units] = [integer(use, 'amount'), integer(use, 'units')];
  const left = await unitsLeft(transaction, { paymentId, rule, nowMs, useId });
  const affordable = Math.floor((await balanceOf(transaction, paymentId)) / amount);
  const purchases = Math.min(affordable, Math.ceil(Math.max(0, reported - left) / units));
  if (purchases > 0) {
    await buyUnits(transaction, { paymentId, rule, amount: purchases * amount, units: purchases * units });
  }
  const charged = Math.min(reported, left + purchases * units);
  await transaction.run('UPDATE purchases SET units_left = units_left - $3 WHERE payment_id = $1 AND rule = $2', [
    paymentId,
    rule,
    charged,
  ]);
  await transaction.run('UPDATE uses SET reported = $2, charged = $3 WHERE id = $1', [useId, reported, charged]);
  return charged;
};

export const unitOperations = {
  /** What a request takes beyond what it reserved is bought at the price that it was let in for, as far as credit goes. */
  async reportUse(
    transaction: Transaction,
    { useId, units, nowMs }: { useId: string; units: number; nowMs: number },
  ): Promise<UseReport> {
    const found = await transaction.first('SELECT payment_id FROM uses WHERE id = $1', [useId]);
    if (!found) return { report: 'unknown' };
    await lockCredit(transaction, text(found, 'payment_id'));
    const use = await transaction.first('SELECT * FROM uses WHERE id = $1', [useId]);
    if (!use) return { report: 'unknown' };
    const before = optionalInteger(use, 'reported');
    if (before !== undefined && before !== units) return { report: 'contradicted', units: before };
    const charged = optionalInteger(use, 'charged') ?? (await chargeFor(transaction, use, units, nowMs));
    return { report: 'written', charged, paymentId: text(use, 'payment_id'), rule: text(use, 'rule') };
  },
};
