/** What the commands of the wallet have in common. */
import { mintUrl, openWallet, type Wallet } from '../assemble/wallet.ts';
import { type CommandOptions, fail, loadToServe } from './load.ts';

export const wholeNumber = /^[1-9]\d{0,14}$/;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const withWallet = async (
  options: CommandOptions,
  run: (wallet: Wallet) => Promise<number>,
): Promise<number> => {
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  let wallet: Wallet | undefined;
  try {
    wallet = await openWallet(loaded.config);
    return await run(wallet);
  } catch (error) {
    fail(`the wallet cannot be used: ${messageOf(error)}`);
    return 1;
  } finally {
    await wallet?.close();
  }
};

/** Undefined where it is no URL. */
export const readMint = (written: string): string | undefined => {
  try {
    return mintUrl(written);
  } catch {
    return undefined;
  }
};
