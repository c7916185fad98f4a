/** Automatic payout, where it is configured. */
import { randomBytes } from 'node:crypto';
import type { Config } from './config/config.ts';
import { readInvoice } from './paywall/wallet/lightning.ts';
import { createMelter, type MelterOptions, type MeltOrder, type MeltResult } from './paywall/wallet/melt.ts';
import { createPayout } from './paywall/wallet/payout.ts';
import type { ProofStore } from './paywall/wallet/proof-store.ts';
import { createRounds, type Rounds, type RoundsOptions } from './paywall/wallet/rounds.ts';
import { createLnurlPay } from './stores/lightning/lnurl-pay.ts';
import { isPrivateAddress } from './stores/outbound/address-guard.ts';
import { createOutbound, type Outbound } from './stores/outbound/exchange.ts';

export type PayoutParts = Omit<MelterOptions, 'askInvoice' | 'createId' | 'proofs'> &
  Pick<RoundsOptions, 'pause' | 'onFailed'> &
  Readonly<{
    cashu: Config['cashu'];
    proofs: ProofStore;
    outbound: Outbound;
    isAccepted: (mint: string) => boolean;
    onPayout(order: MeltOrder, result: MeltResult): void;
  }>;

/** Undefined where nothing is paid out. */
export const assemblePayout = (parts: PayoutParts): Rounds | undefined => {
  const { cashu, outbound, proofs, isAccepted, onPayout, pause, onFailed } = parts;
  if (!cashu.payout) return undefined;
  const { every, unit, above, keep, to } = cashu.payout;
  const publicOutbound = createOutbound(undefined, isPrivateAddress);
  const melt = createMelter({
    ...parts,
    askInvoice: createLnurlPay({ outbound, publicOutbound, readInvoice, timeoutMs: cashu.request_timeout }),
    createId: () => `mlt_${randomBytes(16).toString('hex')}`,
  });
  const keepOwed = cashu.refunds !== undefined;
  const rounds = createRounds({
    everyMs: every,
    run: createPayout({ proofs, melt, isAccepted, unit, above, keep, to, keepOwed, onPayout }),
    pause,
    onFailed,
  });
  return {
    start: rounds.start,
    async close() {
      await rounds.close();
      publicOutbound.close();
    },
  };
};
