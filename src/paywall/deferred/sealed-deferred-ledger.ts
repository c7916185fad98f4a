/** The same of which no secret is kept readable, whatever database it is kept in. */
import type { Swap } from '../ledger.ts';
import type { Sealer } from '../seal.ts';
import type { DeferredLedger, Waiting } from './deferred-ledger.ts';

export const createSealedDeferredLedger = (deferred: DeferredLedger, { seal, open }: Sealer): DeferredLedger => {
  const sealSwap = <S extends Pick<Swap, 'body' | 'outputs'>>(swap: S, paymentId: string): S => ({
    ...swap,
    body: seal(swap.body, { paymentId, column: 'body' }),
    outputs: seal(swap.outputs, { paymentId, column: 'outputs' }),
  });

  const sealed = <P extends Readonly<{ id: string; swap: Pick<Swap, 'body' | 'outputs'> }>>(payment: P): P => ({
    ...payment,
    swap: sealSwap(payment.swap, payment.id),
  });

  const opened = (one: Waiting): Waiting => ({
    ...one,
    body: open(one.body, { paymentId: one.paymentId, column: 'body' }),
  });

  return {
    ...deferred,
    accept: (acceptance, ...rest) => deferred.accept({ ...acceptance, payment: sealed(acceptance.payment) }, ...rest),
    openBatch: (batch, paymentIds) => deferred.openBatch(sealed(batch), paymentIds),

    waiting: async (...asked) => (await deferred.waiting(...asked)).map(opened),
    unchecked: async (...asked) => (await deferred.unchecked(...asked)).map(opened),
  };
};
