/**
 * Accepting a payment without asking its mint. The row of `exposures` is locked before anything is read that the cap or a pause
 * depends on.
 */
import type { Acceptance, Accepted } from '../../paywall/deferred/deferred-ledger.ts';
import type { Presentation } from '../../paywall/ledger.ts';
import { addClaims, findClaimant } from './claims.ts';
import { addCredit } from './credits.ts';
import { ANY } from './deferred-operations.ts';
import { presentClaims, presentSettled } from './ledger-operations.ts';
import { findPlace, keepPlace, placeOf } from './pod-places.ts';
import { addFirstSwap } from './swaps.ts';
import { type Transaction, text } from './transaction.ts';

const lockExposure = async (transaction: Transaction, mint: string, unit: string): Promise<void> => {
  const lock = () =>
    transaction.run('UPDATE exposures SET amount = amount WHERE mint = $1 AND unit = $2', [mint, unit]);
  if ((await lock()) > 0) return;
  await transaction.run(
    'INSERT INTO exposures (mint, unit, amount, paused_until) VALUES ($1, $2, 0, 0) ON CONFLICT (mint, unit) DO NOTHING',
    [mint, unit],
  );
  await lock();
};

/** `false` where there is no room, or the mint is paused. */
const expose = async (transaction: Transaction, { payment, cap }: Acceptance): Promise<boolean> => {
  const { mint, unit, amount, createdAtMs } = payment;
  const exposed = await transaction.run(
    `UPDATE exposures SET amount = amount + $3
      WHERE mint = $1 AND unit = $2 AND amount + $3 <= $4 AND paused_until <= $5`,
    [mint, unit, amount, cap, createdAtMs],
  );
  return exposed > 0;
};

const write = async (transaction: Transaction, { payment, claims, proofs }: Acceptance): Promise<void> => {
  const { id, mint, unit, amount, rule, createdAtMs, accountId = id, swap } = payment;
  await transaction.run(
    `INSERT INTO payments
        (id, state, mint, unit, amount, rule, lease_until, tries, created_at, concluded_at, collected_at, account_id)
      VALUES ($1, 'settled', $2, $3, $4, $5, 0, 0, $6, $6, $6, $7)`,
    [id, mint, unit, amount, rule, createdAtMs, accountId],
  );
  await addFirstSwap(transaction, id, swap);
  await addClaims(transaction, claims);
  await transaction.run(
    `INSERT INTO unsettled (payment_id, mint, unit, amount, proofs, most, accepted_at, checked_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
    [id, mint, unit, amount, proofs, ANY, createdAtMs],
  );
  await addCredit(transaction, accountId, swap.credit);
};

export const acceptOperations = {
  async acceptPayment(
    transaction: Transaction,
    { acceptance, ...asked }: { acceptance: Acceptance } & Omit<Presentation, 'claims'>,
  ): Promise<Accepted | undefined> {
    const { payment, claims } = acceptance;
    const { id, mint, unit, accountId = id } = payment;
    const presented = { ...asked, claims };
    await lockExposure(transaction, mint, unit);
    const found = await transaction.first('SELECT state FROM payments WHERE id = $1', [id]);
    if (found && text(found, 'state') === 'rejected') return undefined;
    if (found) return { isNew: false, standing: await presentClaims(transaction, presented) };
    if ((await findClaimant(transaction, claims)) !== undefined) {
      return { isNew: false, standing: { standing: 'overlap' } };
    }
    const place = placeOf(asked.debit);
    const free = place && (await findPlace(transaction, accountId, place, asked.debit.nowMs));
    if (free && 'standing' in free) return { isNew: false, standing: free };
    if (!(await expose(transaction, acceptance))) return undefined;
    await write(transaction, acceptance);
    if (place && free) await keepPlace(transaction, { paymentId: id, accountId }, place, free);
    return { isNew: true, standing: await presentSettled(transaction, accountId, unit, presented) };
  },
};
