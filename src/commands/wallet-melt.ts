/** `sallyport wallet melt`: pays an invoice, or a Lightning address, out of what is held. */
import type { MeltResult } from '../paywall/wallet/melt.ts';
import type { SpendRecord } from '../paywall/wallet/spend-store.ts';
import { type CommandOptions, fail, say } from './load.ts';
import { readMint, wholeNumber, withWallet } from './with-wallet.ts';

type MeltOptions = CommandOptions &
  Readonly<{ mint?: string; unit?: string; amount?: string; to?: string; maxFee?: string }>;

const LEAST_FEE = 10;

const maxFeeFor = (amount: number): number => Math.max(LEAST_FEE, Math.ceil(amount / 50));

const toJson = ({ id, mint, unit, amount, state, fee, payee }: SpendRecord) => ({
  id,
  mint,
  unit,
  amount,
  result: state,
  fee: fee ?? null,
  payee: payee ?? null,
});

const show = (result: MeltResult, json: boolean | undefined): number => {
  switch (result.melted) {
    case 'paid': {
      const { id, amount, unit, fee, payee } = result.record;
      say(json ? JSON.stringify(toJson(result.record)) : `${id}: paid ${amount} ${unit} to ${payee}, fee ${fee ?? 0}`);
      return 0;
    }
    case 'before': {
      const { id, state } = result.record;
      if (state === 'settled') fail(`this invoice was paid before: ${id}`);
      else fail(`a payment to this payee is under way: ${id}. "sallyport wallet history" tells what became of it`);
      return 1;
    }
    case 'refused':
      fail(`nothing was paid: ${result.reason}`);
      return 1;
    case 'uncertain':
      fail(`the mint has not said for certain whether ${result.id} is paid: ${result.reason}`);
      fail('Nothing is lost, and it is not paid twice. "sallyport wallet history" tells what became of it');
      return 1;
  }
};

export const melt = (options: MeltOptions): Promise<number> => {
  const { mint: written = '', unit = 'sat', amount: wanted = '', to = '', maxFee, json } = options;
  const mint = readMint(written);
  const isFee = maxFee === undefined || maxFee === '0' || wholeNumber.test(maxFee);
  if (mint === undefined || !wholeNumber.test(wanted) || to === '' || !isFee) {
    fail('--mint takes the URL of a mint, --amount a number from 1, --to an invoice or a Lightning address');
    return Promise.resolve(2);
  }
  const amount = Number(wanted);
  return withWallet(options, async (wallet) => {
    await wallet.finish();
    const most = maxFee === undefined ? maxFeeFor(amount) : Number(maxFee);
    return show(await wallet.melt({ mint, unit, amount, to, maxFee: most }), json);
  });
};
