/** The payment page in the place of a refusal, where a person looks at it in a browser. */
import { writeTarget } from '../core/canonical.ts';
import type { Headers } from '../core/decision.ts';
import { type Refusal, refusalKinds } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import type { PageState } from '../paywall/page/page.ts';
import { HeaderLines, linesOf } from './header-lines.ts';
import type { Incoming } from './http-request.ts';
import type { Reply } from './reply.ts';

/** Where the page hands in its token. */
export const PAY = '/.sallyport/pay';

export type PageParts = Readonly<{
  /** Undefined where a payment would change nothing. */
  render(state: PageState): string | undefined;
  headers: Headers;
}>;

type Refused = Readonly<{
  refusal: Refusal;
  /** What it costs: the refusal itself where it says so. */
  invite?: Refusal;
  request: AuthRequest;
  token?: string;
}>;

/** Undefined where the problem document is to be answered. */
export type PaymentPage = (refused: Refused, incoming: Pick<Incoming, 'headers'>) => Reply | undefined;

/** A navigation, which scripts and pictures are not, and programs that ask for JSON as well (Fetch Metadata). */
const isNavigation = ({ headers }: Pick<Incoming, 'headers'>): boolean => {
  const { accept = '', 'sec-fetch-dest': destination } = headers;
  if (!accept.includes('text/html') || accept.includes('json')) return false;
  return destination === undefined || destination === 'document' || destination === 'iframe';
};

export const createPaymentPage = ({ render, headers }: PageParts): PaymentPage => {
  const own = new HeaderLines(headers);
  return ({ refusal, invite = refusal, request, token }, incoming) => {
    if (!isNavigation(incoming)) return undefined;
    const { host, requiredAmount: amount } = request;
    const body = render({ invite, code: refusal.code, action: PAY, host, to: writeTarget(request), amount, token });
    if (body === undefined) return undefined;
    const more = refusal.headers ? [linesOf(refusal.headers)] : [];
    return { status: refusalKinds[refusal.code].status, headers: [own, ...more], body };
  };
};

/** At the auth endpoints: for what a payment would cure, and what a browser can ask for again by its address. */
export const pageFor = (
  page: PaymentPage | undefined,
  refusal: Refusal,
  request: AuthRequest | undefined,
  incoming: Pick<Incoming, 'headers'>,
): Reply | undefined => {
  if (!page || !request || refusalKinds[refusal.code].status !== 402) return undefined;
  return request.method === 'GET' || request.method === 'HEAD' ? page({ refusal, request }, incoming) : undefined;
};
