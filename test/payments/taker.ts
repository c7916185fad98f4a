/** Whoever takes money out of a till, as `sallyport wallet` and the service do. */
import assert from 'node:assert/strict';
import { Wallet } from '@cashu/cashu-ts';
import { createExporter, type Exported, type ExportOutcome } from '../../src/paywall/wallet/export.ts';
import { createFinisher } from '../../src/paywall/wallet/finish-spends.ts';
import type { AskInvoice } from '../../src/paywall/wallet/lightning.ts';
import { createMelter, type MeltOrder, type MeltResult } from '../../src/paywall/wallet/melt.ts';
import type { Balance } from '../../src/paywall/wallet/proof-store.ts';
import { isComplete } from '../../src/paywall/wallet/reconcile.ts';
import { createSpender } from '../../src/paywall/wallet/spender.ts';
import type { Till } from './till.ts';

let exportsMade = 0;

export type Taker = Readonly<{
  take(mint: string, unit: string, amount: number | 'all'): Promise<ExportOutcome>;
  melt(order: MeltOrder): Promise<MeltResult>;
  finish(): Promise<void>;
}>;

type Changes = Partial<Pick<Till, 'proofs' | 'spends' | 'mintOf'>> &
  Readonly<{ callMs?: number; askInvoice?: AskInvoice; idsBegin?: string }>;

const noAddress: AskInvoice = () => Promise.reject(new Error('no address was to be asked'));

export const takerOf = (till: Till, changes: Changes = {}): Taker => {
  const {
    proofs,
    spends,
    mintOf,
    lightningOf,
    curve,
    clock,
    callMs = 2_000,
    askInvoice = noAddress,
    idsBegin = 'exp_',
  } = {
    ...till,
    ...changes,
  };
  const now = () => clock.nowMs;
  const spend = createSpender({ spends, mintOf, lightningOf, curve, holder: `taker ${Math.random()}`, callMs, now });
  const mintAt = (url: string) => mintOf(url) ?? assert.fail(`there is no mint ${url}`);
  const createId = () => {
    exportsMade += 1;
    return `${idsBegin}${exportsMade}`;
  };
  const take = createExporter({ proofs, spends, spend, mintAt, curve, createId, now });
  const melt = createMelter({ proofs, spends, spend, mintAt, lightningOf, askInvoice, curve, createId, now });
  return { take, melt, finish: createFinisher({ spends, spend, now }) };
};

export const exportedOf = (outcome: ExportOutcome): Exported => {
  assert.equal(outcome.outcome, 'exported', JSON.stringify(outcome));
  return outcome.outcome === 'exported' ? outcome.exported : assert.fail();
};

/** What a wallet gets for a token. */
export const receive = async (url: string, token: string): Promise<number> => {
  const wallet = new Wallet(url, { unit: 'sat' });
  await wallet.loadMint();
  return (await wallet.receive(token)).reduce((sum, { amount }) => sum + amount.toNumber(), 0);
};

export const balanceOf = async ({ proofs }: Pick<Till, 'proofs'>): Promise<Balance> => {
  const [balance] = await proofs.balances();
  assert.ok(balance && isComplete(balance), `everything is somewhere: ${JSON.stringify(balance)}`);
  return balance;
};
