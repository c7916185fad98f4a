/**
 * Asks the mint now and then for the state (NUT-07) of what waits to be settled. Nobody but us can spend it: what is spent is to
 * be settled at once and alone, which shows what is behind it.
 */
import type { Curve } from '../curve/operations.ts';
import type { Mint } from '../mint.ts';
import { proofsOf } from '../outputs.ts';
import type { DeferredLedger, Group, Waiting } from './deferred-ledger.ts';

export type CheckerOptions = Readonly<{
  deferred: Pick<DeferredLedger, 'unchecked' | 'noteChecked'>;
  curve: Pick<Curve, 'hashToCurve'>;
  now: () => number;
}>;

/** Says whether there may be more. Throws where the mint gives no readable answer. */
export type Check = (mint: Mint, group: Group) => Promise<boolean>;

const CHECK_EVERY_MS = 60_000;
/** Some mints take no more in one question. */
const MOST_AT_ONCE = 100;

export const createChecker = ({ deferred, curve, now }: CheckerOptions): Check => {
  const secretsOf = ({ body }: Waiting): string[] => proofsOf({ body }).map(({ secret }) => secret);

  return async (mint, { unit, checkedAtMs }) => {
    const beforeMs = now() - CHECK_EVERY_MS;
    if (checkedAtMs > beforeMs) return false;
    const unchecked = await deferred.unchecked(mint.url, unit, beforeMs, MOST_AT_ONCE);
    const owners = unchecked.flatMap((one) => secretsOf(one).map((secret) => ({ secret, paymentId: one.paymentId })));
    const states = await mint.states(await Promise.all(owners.map(({ secret }) => curve.hashToCurve(secret))));
    const suspect = new Set(owners.filter((_, index) => states[index] !== 'UNSPENT').map(({ paymentId }) => paymentId));
    const good = unchecked.map(({ paymentId }) => paymentId).filter((id) => !suspect.has(id));
    await deferred.noteChecked(good, [...suspect], now());
    return unchecked.length > 0;
  };
};
