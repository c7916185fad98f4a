/** What is done with a batch that its mint refuses for certain: halves are tried, and what is refused alone is kept. */
import type { Ledger } from '../ledger.ts';
import type { DeferredLedger, RefusedSum } from './deferred-ledger.ts';

/** What is refused may be found after all: the outputs are kept, and the mint is asked again. */
const REFUSED_REST_MS = 10 * 60_000;
/** Each refusal lets the mint accept nothing unasked for so long. What it refused stays counted against its cap. */
const PAUSE_MS = 60 * 60_000;

/** The ledger as batches are redeemed with it. `onRefused` is told once of what the mint refuses. */
export const createBatchLedger = (
  ledger: Ledger,
  deferred: Pick<DeferredLedger, 'refuse'>,
  onRefused: (batchId: string, sum: RefusedSum) => void,
): Ledger => ({
  ...ledger,

  async reject(batchId, holder, { code, isPart }, _, nowMs) {
    const division = await deferred.refuse({
      batchId,
      holder,
      nowMs,
      isWhole: code === 'payment_spent' && isPart !== true,
      restUntilMs: nowMs + REFUSED_REST_MS,
      pauseUntilMs: nowMs + PAUSE_MS,
    });
    if (division.division === 'kept' && division.isFirst) onRefused(batchId, division.sum);
    return division.division !== 'lost';
  },
});
