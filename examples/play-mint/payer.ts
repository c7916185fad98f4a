import { setTimeout as pause } from 'node:timers/promises';
import { type MintQuoteBolt11Response, type OutputType, type P2PKOptions, type Proof, Wallet } from '@cashu/cashu-ts';
import { outputCreator } from './outputs.ts';
import { encodeToken, type TokenOptions } from './token.ts';

export type PaymentOptions = TokenOptions &
  Readonly<{
    /** The coins, which must sum up to the amount. Without them, as few as can be. */
    coins?: readonly number[];
    /** Locks every coin to a key (NUT-11). */
    lock?: P2PKOptions;
  }>;

export type Payer = Readonly<{
  /** Coins worth the amount, fresh from the mint, with their DLEQ proofs. */
  proofs(amount: number, options?: PaymentOptions): Promise<Proof[]>;
  /** A token worth the amount, as a client would send it. */
  token(amount: number, options?: PaymentOptions): Promise<string>;
}>;

/** Someone with money at a mint whose quotes are paid by themselves: a play mint, or Nutshell with its fake wallet. */
export function createPayer(mintUrl: string, unit = 'sat'): Payer {
  const proofs = async (amount: number, { coins, lock }: PaymentOptions = {}) => {
    const wallet = new Wallet(mintUrl, { unit, outputDataCreator: outputCreator }); // a new one each time: the mint may have changed its keys since
    await wallet.loadMint();
    const quote = await paid(wallet, await wallet.createMintQuoteBolt11(amount));
    const denominations = coins ? { denominations: [...coins] } : {};
    const type: OutputType = lock
      ? { type: 'p2pk', options: lock, ...denominations }
      : { type: 'random', ...denominations };
    return wallet.mintProofsBolt11(amount, quote, {}, type);
  };
  return {
    proofs,
    token: async (amount, options = {}) => {
      const token = { mint: mintUrl, unit, proofs: await proofs(amount, options) };
      return encodeToken(token, options);
    },
  };
}

/** The quote once it counts as paid. */
async function paid(wallet: Wallet, quote: MintQuoteBolt11Response): Promise<MintQuoteBolt11Response> {
  for (let tries = 0; tries < 100; tries++) {
    const now = tries === 0 ? quote : await wallet.checkMintQuoteBolt11(quote);
    if (now.state === 'PAID') return now;
    await pause(50);
  }
  throw new Error(`The mint's quote ${quote.quote} was not paid by itself: this is no mint of play money`);
}
