import assert from 'node:assert/strict';
import { makeProofs } from '../../src/paywall/wallet/make-proofs.ts';
import type { Till } from './till.ts';

/** Makes proofs of everything that is settled, at once. */
export const collectAll = async ({ proofs, curve, mintOf, clock }: Till): Promise<void> => {
  for (const payment of await proofs.uncollected('', [], 1_000)) {
    const signed = await proofs.signed(payment.paymentId);
    assert.ok(signed);
    const keysOf = async (id: string) => (await mintOf(payment.mint)?.keys(id))?.keys ?? {};
    await proofs.collect([{ payment, proofs: await makeProofs(payment, signed, curve, keysOf) }], clock.nowMs);
  }
};
