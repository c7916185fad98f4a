import type { IncomingMessage } from 'node:http';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { readBody } from './body.ts';

export type PaymentForm = Readonly<{
  token: string;
  /** The page that they wanted: path and query, as a request target. Not checked yet. */
  to: string;
  /** What it costs, where that is more than its rule says; empty where it does not say. */
  amount: string;
}>;

/** The longest token and the longest target, each of whose characters may take three. */
const MAX_BYTES = 256 * 1024;

const formType = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

const broken = refuse('bad_request', 'The form ended before it was whole.');

const fields = ['token', 'to', 'amount'] as const;

/** Reads a form as browsers send it (URL Standard, application/x-www-form-urlencoded). Each field once at the most. */
export const readPaymentForm = async (message: IncomingMessage): Promise<PaymentForm | Refusal> => {
  if (!formType.test(message.headers['content-type'] ?? '')) {
    return refuse('unsupported_media_type', 'Expected Content-Type: application/x-www-form-urlencoded.');
  }
  const body = await readBody(message, MAX_BYTES).catch(() => broken);
  if (isRefusal(body)) return body;
  const form = new URLSearchParams(body.toString());
  const twice = fields.find((name) => form.getAll(name).length > 1);
  if (twice !== undefined) return refuse('bad_request', `The field ${twice} came twice.`);
  // Long lines are broken on the way through a mail or a chat.
  const [token, to, amount] = fields.map((name) => (form.get(name) ?? '').replaceAll(/\s/g, ''));
  return { token: token ?? '', to: to ?? '', amount: amount ?? '' };
};
