/** Spends of which no secret is kept readable, whatever database they are kept in. */
import type { Place, Sealer } from '../seal.ts';
import type { SpendStore } from './spend-store.ts';

export const createSealedSpendStore = (spends: SpendStore, { seal, open }: Sealer): SpendStore => {
  const place = (id: string, column: Place['column']): Place => ({ paymentId: id, column });

  return {
    ...spends,

    prepare: (spend, proofIds, refund) =>
      spends.prepare(
        {
          ...spend,
          body: seal(spend.body, place(spend.id, 'body')),
          outputs: seal(spend.outputs, place(spend.id, 'outputs')),
        },
        proofIds,
        refund,
      ),

    async lease(id, ...asked) {
      const lease = await spends.lease(id, ...asked);
      if (lease.lease !== 'taken') return lease;
      const { spend } = lease;
      const body = open(spend.body, place(id, 'body'));
      return { ...lease, spend: { ...spend, body, outputs: open(spend.outputs, place(id, 'outputs')) } };
    },

    settle(id, { made, token, ...rest }, nowMs) {
      const sealed = {
        ...rest,
        made: made.map((proof) => ({ ...proof, secret: seal(proof.secret, place(id, 'secret')) })),
        token: token === undefined ? undefined : seal(token, place(id, 'token')),
      };
      return spends.settle(id, sealed, nowMs);
    },
  };
};
