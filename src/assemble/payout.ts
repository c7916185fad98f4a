/** Automatic payout, where it is configured. */
import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { createRounds, type Rounds, type RoundsOptions } from '../core/rounds.ts';
import { createExporter } from '../paywall/wallet/export.ts';
import { createHandOut, HANDED_OUT } from '../paywall/wallet/hand-out.ts';
import { readInvoice } from '../paywall/wallet/lightning.ts';
import { createMelter, type MelterOptions } from '../paywall/wallet/melt.ts';
import { createAddressPayer } from '../paywall/wallet/pay-address.ts';
import { createPayout, type PayOut, type Payout } from '../paywall/wallet/payout.ts';
import type { ProofStore } from '../paywall/wallet/proof-store.ts';
import { createTokenFolder } from '../stores/files/token-folder.ts';
import { createLnurlPay } from '../stores/lightning/lnurl-pay.ts';
import { isPrivateAddress } from '../stores/outbound/address-guard.ts';
import { createOutbound, type Outbound } from '../stores/outbound/exchange.ts';

export type PayoutParts = Omit<MelterOptions, 'askInvoice' | 'createId' | 'proofs'> &
  Pick<RoundsOptions, 'pause' | 'onFailed'> &
  Readonly<{
    cashu: Config['cashu'];
    proofs: ProofStore;
    outbound: Outbound;
    isAccepted: (mint: string) => boolean;
    onPayout(payout: Payout): void;
  }>;

type Way = Readonly<{ payOut: PayOut; deliverAll?(): Promise<void>; close?(): void }>;

const createId = (prefix: string): string => `${prefix}${randomBytes(16).toString('hex')}`;

const toAddress = (parts: PayoutParts, to: string): Way => {
  const publicOutbound = createOutbound(undefined, isPrivateAddress);
  const timeoutMs = parts.cashu.request_timeout;
  const melt = createMelter({
    ...parts,
    askInvoice: createLnurlPay({ outbound: parts.outbound, publicOutbound, readInvoice, timeoutMs }),
    createId: () => createId('mlt_'),
  });
  return { payOut: createAddressPayer(melt, to), close: publicOutbound.close };
};

const toFolder = (parts: PayoutParts, folder: string): Way => {
  const take = createExporter({ ...parts, createId: () => createId(HANDED_OUT) });
  return createHandOut({ ...parts, take, deliver: createTokenFolder(folder) });
};

/** Undefined where nothing is paid out. */
export const assemblePayout = (parts: PayoutParts): Rounds | undefined => {
  const { cashu, proofs, isAccepted, onPayout, pause, onFailed } = parts;
  if (!cashu.payout) return undefined;
  const { every, unit, above, keep, to, folder = '' } = cashu.payout;
  const { payOut, deliverAll, close } = to === undefined ? toFolder(parts, folder) : toAddress(parts, to);
  const keepOwed = cashu.refunds !== undefined;
  const look = createPayout({ proofs, payOut, isAccepted, unit, above, keep, keepOwed, onPayout });
  const rounds = createRounds({
    everyMs: every,
    async run(signal) {
      // What a process before left is handed out also while a mint is away.
      await deliverAll?.();
      await look(signal);
      await deliverAll?.();
    },
    pause,
    onFailed,
  });
  return {
    start: rounds.start,
    async close() {
      await rounds.close();
      close?.();
    },
  };
};
