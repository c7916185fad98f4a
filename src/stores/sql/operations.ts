/** Everything that a store does by transactions, whichever database runs them. */

import { acceptOperations } from './accept-operations.ts';
import { accountOperations } from './account-operations.ts';
import { billingOperations } from './billing-operations.ts';
import { billingReportOperations } from './billing-reports.ts';
import { collectOperations } from './collect-operations.ts';
import { customerOperations } from './customer-operations.ts';
import { deferredOperations } from './deferred-operations.ts';
import { forgetOperations } from './forget-operations.ts';
import { keyOperations } from './key-operations.ts';
import { leaseOperations } from './lease-operations.ts';
import { ledgerOperations } from './ledger-operations.ts';
import { podOperations } from './pod-operations.ts';
import { recoveryOperations } from './recovery-operations.ts';
import { refundOperations } from './refund-operations.ts';
import { resealOperations } from './reseal-operations.ts';
import { sealingKeyOperations } from './sealing-key-operations.ts';
import { spendOperations } from './spend-operations.ts';
import { unitOperations } from './units.ts';
import { usageOperations } from './usage-operations.ts';
import { usageSumOperations } from './usage-sums.ts';
import { walletOperations } from './wallet-operations.ts';
import { writeCheckOperations } from './write-check.ts';

export const operations = {
  ...keyOperations,
  ...leaseOperations,
  ...ledgerOperations,
  ...accountOperations,
  ...unitOperations,
  ...recoveryOperations,
  ...forgetOperations,
  ...sealingKeyOperations,
  ...resealOperations,
  ...collectOperations,
  ...walletOperations,
  ...spendOperations,
  ...acceptOperations,
  ...deferredOperations,
  ...refundOperations,
  ...usageOperations,
  ...usageSumOperations,
  ...billingOperations,
  ...billingReportOperations,
  ...customerOperations,
  ...podOperations,
  ...writeCheckOperations,
};

export type StoreOperations = typeof operations;
