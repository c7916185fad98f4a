/** Tokens that are handed out by themselves. Each is an export like every other, and is handed out until that has succeeded once. */
import type { ExportOutcome } from './export.ts';
import type { PayOut } from './payout.ts';
import type { ProofStore } from './proof-store.ts';

/** How the ids of such exports begin. */
export const HANDED_OUT = 'out_';

export type HandOutOptions = Readonly<{
  proofs: Pick<ProofStore, 'undelivered' | 'findExport' | 'markDelivered'>;
  /** Exports under an id that begins with `HANDED_OUT`. */
  take: (mint: string, unit: string, amount: number, heldAtLeast: number) => Promise<ExportOutcome>;
  /** Whether what this mint has signed is handed out here. */
  isOurs: (mint: string) => boolean;
  /** Durable when it resolves. The same token may come twice. */
  deliver: (id: string, token: string) => Promise<void>;
  now: () => number;
}>;

export type HandOut = Readonly<{ payOut: PayOut; deliverAll(): Promise<void> }>;

/** A fee takes less than this. Where less is left than without it, another has taken the money, and what stays is to be kept. */
const LARGEST_FEE = 0.1;

/** What can be had instead. */
const lessOf = (outcome: ExportOutcome, wanted: number): number => {
  switch (outcome.outcome) {
    case 'too-little':
      return outcome.most >= wanted * (1 - LARGEST_FEE) ? outcome.most : 0;
    case 'too-many':
      return outcome.most;
    case 'no-change':
      return outcome.below ?? 0;
    default:
      return 0;
  }
};

export const createHandOut = ({ proofs, take, isOurs, deliver, now }: HandOutOptions): HandOut => ({
  async payOut(mint, unit, most, heldAtLeast) {
    if (most <= 0) return undefined;
    const first = await take(mint, unit, most, heldAtLeast);
    const less = lessOf(first, most);
    const outcome = less > 0 && less < most ? await take(mint, unit, less, heldAtLeast) : first;
    if (outcome.outcome === 'exported') return { amount: outcome.exported.amount, result: 'exported' };
    return { amount: most, result: outcome.outcome, ...('reason' in outcome && { reason: outcome.reason }) };
  },

  async deliverAll() {
    for (const id of await proofs.undelivered(HANDED_OUT)) {
      const exported = await proofs.findExport(id);
      if (!exported || !isOurs(exported.mint)) continue;
      await deliver(id, exported.token);
      await proofs.markDelivered(id, now());
    }
  },
});
