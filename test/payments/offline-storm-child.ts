/**
 * A process of the paywall, put together as the service does it, that accepts locked tokens, settles what is due of them and of
 * what others left, and kills itself at the point that it was told. It says each answer on a line.
 */
import { writeSync } from 'node:fs';
import { assemblePayments } from '../../src/assemble/payments.ts';
import { openStores } from '../../src/assemble/stores.ts';
import type { Config } from '../../src/config/config.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import type { AuthRequest } from '../../src/core/request.ts';
import { Secret } from '../../src/core/secret.ts';
import type { DeferredLedger } from '../../src/paywall/deferred/deferred-ledger.ts';
import type { Ledger } from '../../src/paywall/ledger.ts';
import { createOutbound } from '../../src/stores/outbound/exchange.ts';
import { until } from '../servers/until.ts';
import type { OfflineOrders, OfflinePoint } from './offline-storm.ts';
import { silentEvents } from './silent-events.ts';

const orders = JSON.parse(process.argv[2] ?? '') as OfflineOrders;

const reached = (point: OfflinePoint): void => {
  if (point === orders.point) process.kill(process.pid, 'SIGKILL');
};

const deadlyLedger = (ledger: Ledger): Ledger => ({
  ...ledger,
  async settle(...asked) {
    const standing = await ledger.settle(...asked);
    reached('settled');
    return standing;
  },
});

const deadlyDeferred = (deferred: DeferredLedger): DeferredLedger => ({
  ...deferred,
  async accept(...asked) {
    reached('before acceptance');
    const accepted = await deferred.accept(...asked);
    reached('accepted');
    return accepted;
  },
  async openBatch(...asked) {
    reached('before the batch');
    const opened = await deferred.openBatch(...asked);
    reached('batch written');
    return opened;
  },
});

const read = orders.config as Config;
if (!read.cashu.lock) throw new Error('the storm needs a lock');
const config: Config = {
  ...read,
  cashu: {
    ...read.cashu,
    encryption_key: new Secret(orders.key),
    lock: { ...read.cashu.lock, private_key: new Secret(orders.privateKey) },
  },
  store: read.store.type === 'postgres' ? { ...read.store, url: new Secret(orders.store) } : read.store,
};
const [rule] = config.rules;
if (!rule) throw new Error('the storm needs a rule');
const stores = await openStores(config);
const outbound = createOutbound();
const ignore = (): void => undefined;
const fail = (error: unknown): void => {
  throw error;
};
let prepared = 1;
const payments = await assemblePayments({
  config,
  stores: { ...stores, ledger: deadlyLedger(stores.ledger), deferred: deadlyDeferred(stores.deferred) },
  outbound,
  throttle: { isOpen: () => true, recordFailure: ignore },
  now: () => Date.now() + orders.skewMs,
  events: {
    ...silentEvents,
    onOutstanding: ({ count }) => {
      prepared = count;
    },
    onCollectingFailed: fail,
    onSpendingFailed: fail,
    onWrongKeys: fail,
  },
});

const charge = payments.paywallFor(rule)?.charge;
const request = { clientIp: '203.0.113.7' } as AuthRequest;

const present = async (value: string, index: number): Promise<void> => {
  const presented = { kind: 'cashu', value, header: 'x-cashu' } as const;
  const identified = await payments.identifiers.cashu(request, presented, 'enforce');
  if (identified.outcome !== 'identified') throw new Error(`not read: ${identified.outcome}`);
  const answer = await charge?.(request, identified.identity, 'enforce');
  writeSync(1, `${index} ${isRefusal(answer) ? answer.code : 'paid'}\n`);
  reached('answered');
};

await Promise.all(orders.tokens.map(present));
if (orders.settles) while (await payments.settler.settleDue());
if (orders.untilIdle) {
  payments.recovery.start();
  payments.collector.start();
  payments.settler.start();
  const isIdle = async () =>
    prepared === 0 &&
    (await stores.deferred.unsettled(0)).count === 0 &&
    (await stores.proofs.uncollected('', [], 1)).length === 0;
  await until('nothing waits any more', isIdle, { deadlineMs: 60_000 });
  writeSync(1, 'idle\n');
}
await payments.settler.close();
await payments.collector.close();
await payments.recovery.close();
await payments.close();
payments.mints.close();
outbound.close();
await stores.close();
