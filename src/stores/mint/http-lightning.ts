/** The Lightning side of a Cashu mint over HTTP (NUT-05, 08, 09). */
import { z } from 'zod';
import type { BlindedMessage, BlindSignature } from '../../paywall/mint.ts';
import type { LightningMint, MeltOutcome, MeltStatus } from '../../paywall/wallet/lightning.ts';
import type { ExchangeResult, Outbound } from '../outbound/exchange.ts';
import { parseAnswer, readRefusal, restored, signatures, toSignature } from './answers.ts';

const amount = z.number().int().nonnegative();
const quoted = z.object({ quote: z.string().min(1).max(256), amount: amount.positive(), fee_reserve: amount });
const status = z.object({
  state: z.enum(['UNPAID', 'PENDING', 'PAID', 'FAILED', 'UNKNOWN']),
  change: signatures.nullish(),
});

/** The last two are cdk's; what it does not know may be under way. */
const states = { UNPAID: 'UNPAID', PENDING: 'PENDING', PAID: 'PAID', FAILED: 'UNPAID', UNKNOWN: 'PENDING' } as const;

const toStatus = ({ state, change }: z.infer<typeof status>): MeltStatus => ({
  state: states[state],
  change: change?.map(toSignature),
});

/** As `readSwap`: only the mint's own words count. */
const readMelt = (result: ExchangeResult): MeltOutcome => {
  const refusal = readRefusal(result);
  if (refusal) return refusal;
  try {
    return { outcome: 'answered', status: toStatus(parseAnswer(status, result)) };
  } catch (error) {
    return { outcome: 'unclear', reason: error instanceof Error ? error.message : String(error) };
  }
};

const isKnownNot = (result: ExchangeResult): boolean => result.status === 404 || readRefusal(result) !== undefined;

export type HttpLightningOptions = Readonly<{ url: string; timeoutMs: number; outbound: Outbound }>;

const MAX_BYTES = 1024 * 1024;

export const createHttpLightning = ({ url, timeoutMs, outbound }: HttpLightningOptions): LightningMint => {
  const exchange = (path: string, body?: string): Promise<ExchangeResult> =>
    outbound.exchange({
      url: new URL(`${url}${path}`),
      timeoutMs,
      maxBytes: MAX_BYTES,
      ...(body === undefined ? {} : { method: 'POST', body }),
    });

  return {
    async quote(request, unit) {
      const answer = parseAnswer(quoted, await exchange('/v1/melt/quote/bolt11', JSON.stringify({ request, unit })));
      return { id: answer.quote, amount: answer.amount, feeReserve: answer.fee_reserve };
    },

    async status(quoteId) {
      const result = await exchange(`/v1/melt/quote/bolt11/${encodeURIComponent(quoteId)}`);
      return isKnownNot(result) ? { state: 'UNKNOWN', change: undefined } : toStatus(parseAnswer(status, result));
    },

    async melt(body) {
      try {
        return readMelt(await exchange('/v1/melt/bolt11', body));
      } catch (error) {
        return { outcome: 'unclear', reason: error instanceof Error ? error.message : String(error) };
      }
    },

    async restoreSome(outputs: readonly BlindedMessage[]): Promise<readonly (BlindSignature | undefined)[]> {
      const answer = parseAnswer(restored, await exchange('/v1/restore', JSON.stringify({ outputs })));
      const found = new Map(answer.outputs.map(({ B_ }, index) => [B_, answer.signatures[index]]));
      return outputs.map(({ B_ }) => {
        const signature = found.get(B_);
        return signature && toSignature(signature);
      });
    },
  };
};
