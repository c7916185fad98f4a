/** Proofs of our own of which no secret is kept readable, whatever database they are kept in. */
import type { Sealer } from '../seal.ts';
import type { Made, OwnProof, ProofStore } from './proof-store.ts';

export const createSealedProofStore = (proofs: ProofStore, { seal, open }: Sealer): ProofStore => {
  const openProof = (proof: OwnProof): OwnProof => ({
    ...proof,
    secret: open(proof.secret, { paymentId: proof.paymentId, column: 'secret' }),
  });

  const sealMade = ({ payment, proofs: made }: Made): Made => {
    const place = { paymentId: payment.paymentId, column: 'secret' } as const;
    return { payment, proofs: made.map((proof) => ({ ...proof, secret: seal(proof.secret, place) })) };
  };

  return {
    ...proofs,

    async signed(paymentId) {
      const signed = await proofs.signed(paymentId);
      if (!signed) return undefined;
      return {
        outputs: open(signed.outputs, { paymentId, column: 'outputs' }),
        signatures: open(signed.signatures, { paymentId, column: 'signatures' }),
      };
    },

    collect: (made, nowMs) => proofs.collect(made.map(sealMade), nowMs),

    proofs: async (...asked) => (await proofs.proofs(...asked)).map(openProof),
    find: async (ids) => (await proofs.find(ids)).map(openProof),
    export: (written, token, ...rest) =>
      proofs.export(written, seal(token, { paymentId: written.id, column: 'token' }), ...rest),

    async findExport(id) {
      const found = await proofs.findExport(id);
      return found && { ...found, token: open(found.token, { paymentId: id, column: 'token' }) };
    },
  };
};
