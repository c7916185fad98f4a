import type { PaymentEvents } from '../../src/assemble/payments.ts';

const ignore = (): void => undefined;
const fail = (error: unknown): never => {
  throw error;
};

/** For a process that says by itself what it sees: only what stops a worker of it, or money that waits for nobody, ends it. */
export const silentEvents: PaymentEvents = {
  onConcluded: ignore,
  onUncertain: ignore,
  onUnsealed: ignore,
  onOutstanding: ignore,
  onRecovered: ignore,
  onAccepted: ignore,
  onUnsettled: ignore,
  onBatchSettled: ignore,
  onBatchRefused: (batch) => fail(new Error(`${batch} was refused`)),
  onSettlingFailed: fail,
  onStranded: (mint) => fail(new Error(`stranded at ${mint}`)),
  onCollected: ignore,
  onCollectingPostponed: ignore,
  onCollectingFailed: ignore,
  onPayout: ignore,
  onRefund: ignore,
  onSpent: ignore,
  onSpendUncertain: ignore,
  onSpendingFailed: ignore,
  onWrongKeys: ignore,
  onRecoveryFailed: fail,
  onForgettingFailed: fail,
};
