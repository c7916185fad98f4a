/** Everything that a store does by transactions, whichever database runs them. */
import { keyOperations } from './key-operations.ts';
import { leaseOperations } from './lease-operations.ts';
import { ledgerOperations } from './ledger-operations.ts';
import { recoveryOperations } from './recovery-operations.ts';
import { sealingKeyOperations } from './sealing-key-operations.ts';

export const operations = {
  ...keyOperations,
  ...leaseOperations,
  ...ledgerOperations,
  ...recoveryOperations,
  ...sealingKeyOperations,
};

export type StoreOperations = typeof operations;
