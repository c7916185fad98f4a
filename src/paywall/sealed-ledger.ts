/** A ledger that keeps no secret readable, whatever database it is kept in. */
import type { Lease, Ledger, NewPayment, Swap } from './ledger.ts';
import type { Sealer } from './seal.ts';

type Secrets = Pick<Swap, 'body' | 'outputs'>;

export const createSealedLedger = (ledger: Ledger, { seal, open }: Sealer): Ledger => {
  const sealSwap = <S extends Secrets>(swap: S, paymentId: string): S => ({
    ...swap,
    body: seal(swap.body, { paymentId, column: 'body' }),
    outputs: seal(swap.outputs, { paymentId, column: 'outputs' }),
  });

  const openSwap = <S extends Secrets>(swap: S, paymentId: string): S => ({
    ...swap,
    body: open(swap.body, { paymentId, column: 'body' }),
    outputs: open(swap.outputs, { paymentId, column: 'outputs' }),
  });

  const sealPayment = (payment: NewPayment): NewPayment => ({ ...payment, swap: sealSwap(payment.swap, payment.id) });

  const openLease = (lease: Lease): Lease => {
    if (lease.lease !== 'taken') return lease;
    const { payment } = lease;
    const swap = openSwap(payment.swap, payment.id);
    const earlier = payment.earlier.map((before) => openSwap(before, payment.id));
    return { ...lease, payment: { ...payment, swap, earlier } };
  };

  return {
    ...ledger,
    prepare: (payment, ...rest) => ledger.prepare(sealPayment(payment), ...rest),
    lease: async (...asked) => openLease(await ledger.lease(...asked)),
    replaceSwap: (paymentId, holder, swap) => ledger.replaceSwap(paymentId, holder, sealSwap(swap, paymentId)),
    settle: (paymentId, swapNumber, signatures, ...rest) =>
      ledger.settle(paymentId, swapNumber, seal(signatures, { paymentId, column: 'signatures' }), ...rest),
  };
};
