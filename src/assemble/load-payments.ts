import type { PaymentParts, Payments } from './payments.ts';

/** Nothing that takes payments is loaded where the configuration names no mint. */
export const loadPayments = async (parts: PaymentParts): Promise<Payments | undefined> => {
  if (parts.config.cashu.mints.length === 0) return undefined;
  const { assemblePayments } = await import('./payments.ts');
  return assemblePayments(parts);
};
