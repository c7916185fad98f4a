/** The codes of the NUTs' error list (cashubtc/nuts, error_codes.md) that this mint gives. 11000 and 10000 are Nutshell's. */
export const codes = {
  notAllowed: 10000,
  invalidProof: 10001,
  transaction: 11000,
  alreadySpent: 11001,
  pending: 11002,
  outputsSigned: 11003,
  unbalanced: 11005,
  amountOutOfRange: 11006,
  duplicateInputs: 11007,
  duplicateOutputs: 11008,
  multipleUnits: 11009,
  unitMismatch: 11010,
  unitNotSupported: 11013,
  keysetUnknown: 12001,
  keysetInactive: 12002,
  keysetExpired: 12003,
  quoteNotPaid: 20001,
  quoteIssued: 20002,
  lightningFailed: 20004,
  quotePending: 20005,
  invoicePaid: 20006,
} as const;

/** A refusal: over HTTP, 400 with `{ detail, code }`. Nothing has changed when it is thrown. */
export class MintError extends Error {
  readonly code: number;

  constructor(reason: keyof typeof codes, detail: string) {
    super(detail);
    this.code = codes[reason];
  }
}
