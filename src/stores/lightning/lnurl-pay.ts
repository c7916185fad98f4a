/**
 * Invoices of Lightning addresses (LUD-16, LUD-06). What such a server answers is untrusted: it is bounded, only https is spoken,
 * and it can lead to another host only where that is a public one.
 */
import { z } from 'zod';
import type { AskInvoice, Invoice } from '../../paywall/wallet/lightning.ts';
import type { Outbound } from '../outbound/exchange.ts';

const offered = z.object({
  tag: z.literal('payRequest'),
  callback: z.url({ protocol: /^https$/ }),
  minSendable: z.number().int().positive(),
  maxSendable: z.number().int().positive(),
});
const given = z.object({ pr: z.string().max(4_096) });

const MAX_BYTES = 64 * 1024;

const readJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

export type LnurlPayOptions = Readonly<{
  outbound: Outbound;
  /** For hosts that an answer names: connects to public addresses alone. */
  publicOutbound: Outbound;
  readInvoice: (text: string) => Invoice | undefined;
  timeoutMs: number;
}>;

export const createLnurlPay = ({ outbound, publicOutbound, readInvoice, timeoutMs }: LnurlPayOptions): AskInvoice => {
  const get = async <T>(by: Outbound, url: URL, schema: z.ZodType<T>, whose: string): Promise<T> => {
    const { status, body } = await by.exchange({ url, timeoutMs, maxBytes: MAX_BYTES });
    const answer = schema.safeParse(readJson(body));
    if (status !== 200 || !answer.success) throw new Error(`${whose} gave no invoice: status ${status}`);
    return answer.data;
  };

  return async (address, amountMsat) => {
    const [name = '', host = ''] = address.split('@');
    const wellKnown = new URL(`https://${host}/.well-known/lnurlp/${encodeURIComponent(name)}`);
    const offer = await get(outbound, wellKnown, offered, address);
    if (amountMsat < offer.minSendable || amountMsat > offer.maxSendable) {
      throw new Error(`${address} takes ${offer.minSendable} to ${offer.maxSendable} msat, not ${amountMsat}`);
    }
    const callback = new URL(offer.callback);
    callback.searchParams.set('amount', String(amountMsat));
    const { pr } = await get(callback.host === wellKnown.host ? outbound : publicOutbound, callback, given, address);
    const invoice = readInvoice(pr);
    if (!invoice) throw new Error(`${address} gave what is no invoice with an amount`);
    return invoice;
  };
};
