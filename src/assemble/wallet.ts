/** What `sallyport wallet` needs: the store of the configuration, opened as the service opens it, and its mints. */
import { randomBytes, randomUUID } from 'node:crypto';
import { normalizeMintUrl } from '@cashu/cashu-ts';
import type { Config } from '../config/config.ts';
import { openCurve } from '../paywall/curve/open.ts';
import type { Mint } from '../paywall/mint.ts';
import { createExporter } from '../paywall/wallet/export.ts';
import { createFinisher } from '../paywall/wallet/finish-spends.ts';
import { readInvoice } from '../paywall/wallet/lightning.ts';
import { createMelter } from '../paywall/wallet/melt.ts';
import type { ProofStore } from '../paywall/wallet/proof-store.ts';
import { createReconciler } from '../paywall/wallet/reconcile.ts';
import type { SpendStore } from '../paywall/wallet/spend-store.ts';
import { createSpender } from '../paywall/wallet/spender.ts';
import { createLnurlPay } from '../stores/lightning/lnurl-pay.ts';
import { createHttpLightning } from '../stores/mint/http-lightning.ts';
import { createHttpMint } from '../stores/mint/http-mint.ts';
import { isPrivateAddress } from '../stores/outbound/address-guard.ts';
import { createOutbound } from '../stores/outbound/exchange.ts';
import { assembleLedger } from './ledger.ts';
import { openStores } from './stores.ts';

export type Wallet = Readonly<{
  proofs: ProofStore;
  spends: SpendStore;
  /** Brings to its end what an earlier command, or the service, left in the middle. */
  finish(): Promise<void>;
  exportToken: ReturnType<typeof createExporter>;
  melt: ReturnType<typeof createMelter>;
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
  const { proofs, spends } = await assembleLedger(config, stores, () => undefined);
  const curve = await openCurve();
  opening.defer(curve.close);
  const outbound = createOutbound();
  opening.defer(outbound.close);
  const publicOutbound = createOutbound(undefined, isPrivateAddress);
  opening.defer(publicOutbound.close);
  const opened = opening.move();
  const now = Date.now;
  const callMs = config.cashu.request_timeout;
  const met = new Map<string, Mint>();
  const mintAt = (url: string): Mint => {
    const mint = met.get(url) ?? createHttpMint({ url, units: [], timeoutMs: callMs, outbound, now });
    met.set(url, mint);
    return mint;
  };
  const lightningOf = (url: string) => createHttpLightning({ url, timeoutMs: callMs, outbound });
  const spend = createSpender({
    spends,
    mintOf: mintAt,
    lightningOf,
    curve,
    holder: `wallet ${randomUUID()}`,
    callMs,
    now,
  });

  return {
    proofs,
    spends,
    exportToken: createExporter({
      proofs,
      spends,
      spend,
      mintAt,
      curve,
      createId: () => `exp_${randomBytes(16).toString('hex')}`,
      now,
    }),
    melt: createMelter({
      proofs,
      spends,
      spend,
      mintAt,
      lightningOf,
      askInvoice: createLnurlPay({ outbound, publicOutbound, readInvoice, timeoutMs: callMs }),
      curve,
      createId: () => `mlt_${randomBytes(16).toString('hex')}`,
      now,
    }),
    reconcile: createReconciler({ proofs, curve }),
    mintAt,
    finish: createFinisher({ spends, spend, now }),
    close: () => opened.disposeAsync(),
  };
};
