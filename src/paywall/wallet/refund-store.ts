/** What accounts get back. Every operation is one durable transaction. */

export type Refund = Readonly<{
  id: string;
  accountId: string;
  mint: string;
  unit: string;
  /** What was taken from the account for it. */
  amount: number;
  /** Of the token that was made for it, or of the latest try; undefined before the first. */
  exportId: string | undefined;
  createdAtMs: number;
}>;

/** The sessions, by the digests of their ids, or the payment that shows whose account it is. */
export type RefundAsker = Readonly<{ sessions: readonly string[] }> | Readonly<{ paymentId: string }>;

export type RefundRequest = Readonly<{
  /** Of a refund that is written now. */
  id: string;
  asker: RefundAsker;
  /** Less than this is not given back. */
  least: number;
  nowMs: number;
  /** Refunds that were made before then are not shown any more. */
  shownSinceMs: number;
}>;

export type RefundRefused =
  /** Nobody has such a session, or no such payment is settled. */
  | Readonly<{ refund: 'unknown' }>
  /**
   * `amount`: what is left, less the fees that were borne for the account, and less what is `withheld`: the credit of payments
   * that were accepted without asking their mint, which refuses them.
   */
  | Readonly<{ refund: 'too-little'; amount: number; withheld: number; unit: string }>
  /** Requests have reserved units that are not reported yet, or a payment has not been settled at its mint. */
  | Readonly<{ refund: 'in-use' }>
  /** It is not held at the account's mint now. Nothing has changed. */
  | Readonly<{ refund: 'not-held'; mint: string }>;

/** `due`: written now or before. */
export type RefundStanding = Readonly<{ refund: 'due'; due: Refund }> | RefundRefused;

export type RefundStore = Readonly<{
  /**
   * Takes what is left from the account, writes the refund and closes the account's sessions, all at once. Where there is
   * nothing to take it finds the latest refund of the account.
   */
  request(request: RefundRequest): Promise<RefundStanding>;
  find(id: string): Promise<Refund | undefined>;
}>;

/** A token for a refund is written only while `before` is its latest try: it is never made twice. */
export type RefundClaim = Readonly<{ refundId: string; before: string | undefined }>;
