/** What `sallyport wallet` needs: the store of the configuration, opened as the service opens it, and its mints. */
import { randomBytes } from 'node:crypto';
import { normalizeMintUrl } from '@cashu/cashu-ts';
import { assembleLedger } from './assemble-ledger.ts';
import { openStores } from './assemble-stores.ts';
import type { Config } from './config/config.ts';
import { openCurve } from './paywall/curve/open.ts';
import type { Mint } from './paywall/mint.ts';
import { createExporter } from './paywall/wallet/export.ts';
import type { ProofStore } from './paywall/wallet/proof-store.ts';
import { createReconciler } from './paywall/wallet/reconcile.ts';
import { createHttpMint } from './stores/mint/http-mint.ts';
import { createOutbound } from './stores/outbound/exchange.ts';

export type Wallet = Readonly<{
  proofs: ProofStore;
  exportToken: ReturnType<typeof createExporter>;
  reconcile: ReturnType<typeof createReconciler>;
  /** Any mint that money was taken from, also one that is not accepted any more. */
  mintAt(url: string): Mint;
  close(): Promise<void>;
}>;

/** As tokens and the books spell it. Throws where it is no URL. */
export const mintUrl = (written: string): string => normalizeMintUrl(written);

/** Throws where the store cannot be opened, or its secrets cannot be read. */
export const openWallet = async (config: Config): Promise<Wallet> => {
  await using opening = new AsyncDisposableStack();
  const stores = await openStores(config);
  opening.defer(stores.close);
  const { proofs } = await assembleLedger(config, stores, () => undefined);
  const curve = await openCurve();
  opening.defer(curve.close);
  const outbound = createOutbound();
  opening.defer(outbound.close);
  const opened = opening.move();
  const now = Date.now;

  return {
    proofs,
    exportToken: createExporter({ proofs, createId: () => `exp_${randomBytes(16).toString('hex')}`, now }),
    reconcile: createReconciler({ proofs, curve }),
    mintAt: (url) => createHttpMint({ url, units: [], timeoutMs: config.cashu.request_timeout, outbound, now }),
    close: () => opened.disposeAsync(),
  };
};
