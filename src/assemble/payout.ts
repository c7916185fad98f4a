/** Automatic payout, where it is configured. */
import { randomBytes } from 'node:crypto';
import { normalizeMintUrl } from '@cashu/cashu-ts';
import type { Config } from '../config/config.ts';
import { choosePayouts, type PayoutSettings } from '../config/payouts.ts';
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

const toFolder = (parts: PayoutParts, folder: string, isOurs: (mint: string) => boolean): Way => {
  const take = createExporter({ ...parts, createId: () => createId(HANDED_OUT) });
  return createHandOut({ ...parts, take, isOurs, deliver: createTokenFolder(folder) });
};

/** One look at the mints whose settings these are. */
const createLook = (parts: PayoutParts, settings: PayoutSettings, way: Way, isOurs: (mint: string) => boolean) => {
  const { proofs, onPayout } = parts;
  const { unit, above, keep } = settings;
  const { payOut, deliverAll } = way;
  const isAccepted = (mint: string) => isOurs(mint) && parts.isAccepted(mint);
  const keepOwed = parts.cashu.refunds !== undefined;
  const look = createPayout({ proofs, payOut, isAccepted, unit, above, keep, keepOwed, onPayout });
  return async (signal: AbortSignal): Promise<void> => {
    // What a process before left is handed out also while a mint is away.
    await deliverAll?.();
    await look(signal);
    await deliverAll?.();
  };
};

/** One after another: two that pay the same address at once would be one payment, and another that is put off. */
const createTurns = () => {
  let last: Promise<unknown> = Promise.resolve();
  return (run: () => Promise<void>): Promise<void> => {
    const turn = last.then(run);
    last = turn.catch(() => undefined);
    return turn;
  };
};

/** Undefined where nothing is paid out. */
export const assemblePayout = (parts: PayoutParts): Rounds | undefined => {
  const { cashu, pause, onFailed } = parts;
  const payouts = choosePayouts(cashu, normalizeMintUrl);
  if (payouts.all.length === 0) return undefined;
  const inTurn = createTurns();
  const running = payouts.all.map((settings) => {
    const { to, folder = '', every } = settings;
    const isOurs = (mint: string) => payouts.of(mint) === settings;
    const way = to === undefined ? toFolder(parts, folder, isOurs) : toAddress(parts, to);
    const look = createLook(parts, settings, way, isOurs);
    const run = (signal: AbortSignal) => inTurn(() => look(signal));
    return { way, rounds: createRounds({ everyMs: every, run, pause, onFailed }) };
  });
  return {
    start() {
      for (const { rounds } of running) rounds.start();
    },
    async close() {
      await Promise.all(running.map(({ rounds }) => rounds.close()));
      for (const { way } of running) way.close?.();
    },
  };
};
