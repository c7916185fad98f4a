/** API keys and ledger, made of transactions and of reads that need none. */
import { whenReady } from '../../core/eventually.ts';
import type { KeyStore } from '../../keys/key-store.ts';
import type { DeferredLedger } from '../../paywall/deferred/deferred-ledger.ts';
import type { Claims, Debit, Debited, Ledger } from '../../paywall/ledger.ts';
import type { SecretStore } from '../../paywall/secret-store.ts';
import type { ProofStore } from '../../paywall/wallet/proof-store.ts';
import type { RefundStore } from '../../paywall/wallet/refund-store.ts';
import type { SpendStore } from '../../paywall/wallet/spend-store.ts';
import type { PodStore } from '../../pods/pod-store.ts';
import type { BillingStore } from '../../usage/billing/billing-store.ts';
import type { CustomerStore } from '../../usage/billing/customer-store.ts';
import type { UsageStore } from '../../usage/usage-store.ts';
import { findAnyKnown } from './claims.ts';
import { findAnyUncollected, findSigned, toSigned } from './collect-operations.ts';
import { findBalance, toBalance } from './credits.ts';
import { findCustomers } from './customer-operations.ts';
import { findRunningTime, toRunningTime } from './debit.ts';
import { findAnyUnsettled } from './deferred-operations.ts';
import { findAnyEnded } from './forget-operations.ts';
import { findCreditUse } from './key-credits.ts';
import { findKeyByHash, toKeyRecord } from './key-rows.ts';
import type { StoreOperations } from './operations.ts';
import { findRunningPod, findRunningPodOfPayment, ruleOf, toRunningPod, toRunningPodOfPayment } from './pod-debit.ts';
import { findAnyPrepared } from './recovery-operations.ts';
import { countKeys, isAllNoted } from './sealing-key-operations.ts';
import { findRunningTimeOfPayment, findSessionByHash, toFoundSession, toRunningTimeOfPayment } from './sessions.ts';
import { findAnyPreparedSpend } from './spend-operations.ts';
import type { Execute, ReadRow } from './transaction.ts';

export type Stores = Readonly<{
  keys: KeyStore;
  ledger: Ledger;
  proofs: ProofStore;
  spends: SpendStore;
  deferred: DeferredLedger;
  refunds: RefundStore;
  secrets: SecretStore;
  usage: UsageStore;
  billing: BillingStore;
  customers: CustomerStore;
  pods: PodStore;
  /** Throws where the store does not answer. */
  check(): Promise<void>;
  /** Throws where it can be written no more. A store that was not written since it was opened is not tried. */
  checkWrites(): Promise<void>;
  close(): Promise<void>;
}>;

const createKeyStore = (execute: Execute<StoreOperations>, readRow: ReadRow): KeyStore => ({
  insert: (record, once) => execute('insertKey', { record, once }),
  findByHash: (hash) => whenReady(readRow(findKeyByHash, [hash]), (row) => row && toKeyRecord(row)),
  find: (id) => execute('findKey', { id }),
  list: (query) => execute('listKeys', query),
  update: (id, changes) => execute('updateKey', { id, changes }),
  rotate: (id, secret, once) => execute('rotateKey', { id, secret, once }),
  revoke: (id, atMs) => execute('revokeKey', { id, atMs }),
  importAll: (records) => execute('importKeys', { records }),
  takeCredit: (id, nowMs, question) => execute('takeCredit', { id, nowMs, question }),
  hasTakenCredit: (id, { key }, nowMs) =>
    whenReady(readRow(findCreditUse, [id, key, nowMs]), (row) => row !== undefined),
});

const createLedger = (execute: Execute<StoreOperations>, readRow: ReadRow): Ledger => {
  /** Time that runs needs no writing: it is read where it is asked for, and goes on when the disk takes no more. */
  const timeOf = async ({ paymentId }: Claims, debit: Debit): Promise<Debited | undefined> => {
    const { rule, buys, nowMs, pod } = debit;
    if (!('timeMs' in buys)) return undefined;
    if (pod) {
      const running = await readRow(findRunningPodOfPayment, [paymentId, rule, nowMs, ruleOf(debit)]);
      return running && toRunningPodOfPayment(running);
    }
    const row = await readRow(findRunningTimeOfPayment, [paymentId, rule, nowMs]);
    return row && toRunningTimeOfPayment(row);
  };

  const timeOfAccount = async (accountId: string, debit: Debit): Promise<Debited | undefined> => {
    const { rule, buys, nowMs, pod } = debit;
    if (!('timeMs' in buys)) return undefined;
    if (pod) {
      const running = await readRow(findRunningPod, [accountId, rule, nowMs, ruleOf(debit)]);
      return running && toRunningPod(running);
    }
    const row = await readRow(findRunningTime, [accountId, rule, nowMs]);
    return row && toRunningTime(row);
  };

  return {
    present: async (claims, debit, commit, offer) =>
      (await timeOf(claims, debit)) ?? execute('presentClaims', { claims, debit, commit, offer }),
    draw: async (accountId, debit, commit) =>
      (await timeOfAccount(accountId, debit)) ?? execute('drawOnAccount', { accountId, debit, commit }),
    reportUse: (useId, units, nowMs) => execute('reportUse', { useId, units, nowMs }),
    balanceOf: async (accountId) => toBalance(await readRow(findBalance, [accountId])),
    findSession: async (idHash, nowMs) => toFoundSession(await readRow(findSessionByHash, [idHash]), nowMs),
    revokeSessions: (paymentId, nowMs) => execute('revokeSessions', { paymentId, nowMs }),
    isKnown: async ({ paymentId, ids }) => (await readRow(findAnyKnown(ids.length), [paymentId, ...ids])) !== undefined,
    prepare: (payment, claims, lease) => execute('preparePayment', { payment, claims, lease }),
    lease: (paymentId, holder, nowMs, untilMs) => execute('leasePayment', { paymentId, holder, nowMs, untilMs }),
    release: (paymentId, holder, untilMs, unansweredAtMs) =>
      execute('releasePayment', { paymentId, holder, untilMs, unansweredAtMs }),
    replaceSwap: (paymentId, holder, swap) => execute('replaceSwap', { paymentId, holder, swap }),
    settle: (paymentId, swapNumber, signatures, nowMs, presented) =>
      execute('settlePayment', { paymentId, swapNumber, signatures, nowMs, presented }),
    reject: (paymentId, holder, rejection, keepSwaps, nowMs) =>
      execute('rejectPayment', { paymentId, holder, rejection, keepSwaps, nowMs }),
    noteKeys: async (current, known) =>
      isAllNoted(await readRow(countKeys, []), current) ? [] : execute('noteSealingKeys', { current, known }),
    forget: async (beforeMs, limit) =>
      (await readRow(findAnyEnded, [beforeMs])) ? execute('forgetEnded', { beforeMs, limit }) : false,
    outstanding: async (nowMs, exceptMints, limit) =>
      (await readRow(findAnyPrepared, []))
        ? execute('findOutstanding', { nowMs, exceptMints, limit })
        : { count: 0, oldestAtMs: undefined, due: [] },
  };
};

const createProofStore = (execute: Execute<StoreOperations>, readRow: ReadRow): ProofStore => ({
  uncollected: async (after, exceptMints, limit) =>
    (await readRow(findAnyUncollected, [])) ? execute('findUncollected', { after, exceptMints, limit }) : [],
  async signed(paymentId) {
    const row = await readRow(findSigned, [paymentId]);
    return row && toSigned(row);
  },
  collect: (made, nowMs) => execute('collectProofs', { made, nowMs }),
  balances: () => execute('sumBalances', null),
  proofs: (mint, unit, state, after, limit) => execute('listProofs', { mint, unit, state, after, limit }),
  unspent: (mint, unit) => execute('listUnspent', { mint, unit }),
  find: (ids) => execute('findProofs', { ids }),
  export: (written, token, ids, refund) => execute('exportProofs', { written, token, ids, refund }),
  exports: (limit) => execute('listExports', { limit }),
  findExport: (id) => execute('findExport', { id }),
  undelivered: (prefix) => execute('listUndelivered', { prefix }),
  markDelivered: (id, nowMs) => execute('markDelivered', { id, nowMs }),
  markSpent: (ids) => execute('markProofsSpent', { ids }),
  payments: (limit) => execute('listPayments', { limit }),
});

const createSpendStore = (execute: Execute<StoreOperations>, readRow: ReadRow): SpendStore => ({
  prepare: (spend, proofIds, refund) => execute('prepareSpend', { spend, proofIds, refund }),
  lease: (id, holder, nowMs, untilMs) => execute('leaseSpend', { id, holder, nowMs, untilMs }),
  release: (id, holder, untilMs, unansweredAtMs) => execute('releaseSpend', { id, holder, untilMs, unansweredAtMs }),
  settle: (id, proceeds, nowMs) => execute('settleSpend', { id, proceeds, nowMs }),
  fail: (id, holder, failure, lost, nowMs) => execute('failSpend', { id, holder, failure, lost, nowMs }),
  due: async (nowMs, limit) =>
    (await readRow(findAnyPreparedSpend, [])) ? execute('findDueSpends', { nowMs, limit }) : [],
  find: (id) => execute('findSpend', { id }),
  findMelt: (invoice, payee) => execute('findMelt', { invoice, payee }),
  list: (limit) => execute('listSpends', { limit }),
});

const createDeferredLedger = (execute: Execute<StoreOperations>, readRow: ReadRow): DeferredLedger => ({
  accept: (acceptance, debit, commit, offer) => execute('acceptPayment', { acceptance, debit, commit, offer }),
  unsettled: async (nowMs) =>
    (await readRow(findAnyUnsettled, []))
      ? execute('findUnsettled', { nowMs })
      : { count: 0, oldestAtMs: undefined, groups: [], due: [] },
  waiting: (mint, unit, mostProofs) => execute('listWaiting', { mint, unit, mostProofs }),
  unchecked: (mint, unit, beforeMs, mostProofs) => execute('listUnchecked', { mint, unit, beforeMs, mostProofs }),
  noteChecked: (good, suspect, nowMs) => execute('noteChecked', { good, suspect, nowMs }),
  openBatch: (batch, paymentIds) => execute('openBatch', { batch, paymentIds }),
  refuse: (refused) => execute('refuseBatch', refused),
});

const createRefundStore = (execute: Execute<StoreOperations>): RefundStore => ({
  request: (request) => execute('requestRefund', request),
  find: (id) => execute('findRefund', { id }),
});

const createSecretStore = (execute: Execute<StoreOperations>): SecretStore => ({
  others: (table, prefix, after, limit) => execute('findOtherSecrets', { table, prefix, after, limit }),
  replace: (table, resealed) => execute('replaceSecrets', { table, resealed }),
});

export const createUsageStore = (execute: Execute<StoreOperations>): Omit<UsageStore, 'open'> => ({
  add: (lines) => execute('addUsage', { lines }),
  sum: (question) => execute('sumUsage', question),
  forget: (beforeMs, sumsBeforeMs, limit) => execute('forgetUsage', { beforeMs, sumsBeforeMs, limit }),
});

export const createBillingStore = (execute: Execute<StoreOperations>): BillingStore => ({
  callersOf: (lines) => execute('findUsageCallers', { lines }),
  add: (lines, assignment) => execute('addUsage', { lines, assignment }),
  close: (nowMs, limit) => execute('closeBilling', { nowMs, limit }),
  lease: (request) => execute('leaseBilling', request),
  conclude: (result) => execute('concludeBilling', result),
  totals: (nowMs) => execute('sumBilling', { nowMs }),
  list: (page) => execute('listBilling', page),
  resolve: (request) => execute('resolveBilling', request),
  forget: (beforeMs, dryBeforeMs, limit) => execute('forgetBilling', { beforeMs, dryBeforeMs, limit }),
});

const createCustomerStore = (execute: Execute<StoreOperations>, readRow: ReadRow): CustomerStore => ({
  put: (userId, customer, nowMs) => execute('putCustomer', { userId, customer, nowMs }),
  find: (userId) => execute('findCustomer', { userId }),
  remove: (userId) => execute('removeCustomer', { userId }),
  list: (after, limit) => execute('listCustomers', { after, limit }),
  ofCallers: (callers) => findCustomers(readRow, callers),
});

const createPodStore = (execute: Execute<StoreOperations>): PodStore => ({
  find: (name) => execute('findPod', { name }),
  list: (query) => execute('listPods', query),
  counts: () => execute('countPods', null),
  wanted: (limit) => execute('listWantedPods', { limit }),
  noteCreated: (name, nowMs) => execute('notePodCreated', { name, nowMs }),
  noteSeen: (name, { ip, isReady }, nowMs) => execute('notePodSeen', { name, ip, isReady, nowMs }),
  noteLost: (name, nowMs) => execute('notePodLost', { name, nowMs }),
  expired: (nowMs, limit) => execute('listExpiredPods', { nowMs, limit }),
  end: (name, ending, nowMs) => execute('endPod', { name, ending, nowMs }),
  giveBack: (name, nowMs) => execute('giveBackPod', { name, nowMs }),
  releaseReserved: (beforeMs) => execute('releasePlaces', { beforeMs }),
  forget: (beforeMs, limit) => execute('forgetPods', { beforeMs, limit }),
});

/** Everything that is always kept in one database. */
export const createStores = (
  execute: Execute<StoreOperations>,
  readRow: ReadRow,
): Omit<Stores, 'check' | 'checkWrites' | 'close' | 'usage' | 'billing'> => ({
  keys: createKeyStore(execute, readRow),
  ledger: createLedger(execute, readRow),
  proofs: createProofStore(execute, readRow),
  spends: createSpendStore(execute, readRow),
  deferred: createDeferredLedger(execute, readRow),
  refunds: createRefundStore(execute),
  secrets: createSecretStore(execute),
  customers: createCustomerStore(execute, readRow),
  pods: createPodStore(execute),
});
