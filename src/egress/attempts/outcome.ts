/** What became of one attempt, and whether another may follow. */

/** Why an attempt brought no answer. */
export type Failure =
  /** No connection: nobody listens, the name is unknown, the certificate is not the one expected. */
  | 'unreachable'
  /** The connection ended before the answer began. */
  | 'reset'
  /** What came is no HTTP. */
  | 'malformed'
  /** The address is one that no call may go to. */
  | 'forbidden_address';

export type Outcome =
  | Readonly<{ kind: 'answered'; status: number }>
  /** `isUnsent`: it is certain that no byte of the call was written to a socket. */
  | Readonly<{ kind: 'failed'; failure: Failure; isUnsent: boolean }>;

/** Of the target itself, or of whatever stands before it: the call may well succeed in a moment. */
const PASSING: ReadonlySet<number> = new Set([502, 503, 504]);

/** Whether another attempt could bring another answer. `retryAfterMs` is what the target asked for, if it did. */
export const isPassing = (outcome: Outcome, retryAfterMs: number | undefined): boolean => {
  if (outcome.kind === 'answered')
    return PASSING.has(outcome.status) || (outcome.status === 429 && retryAfterMs !== undefined);
  switch (outcome.failure) {
    case 'unreachable':
    case 'reset':
      return true;
    case 'malformed':
    case 'forbidden_address':
      return false;
  }
};

/** Whether the attempt counts against the target's health. `neither` says nothing about it: we may have asked wrongly. */
export const healthOf = (outcome: Outcome): 'good' | 'bad' | 'neither' => {
  if (outcome.kind === 'answered') return PASSING.has(outcome.status) ? 'bad' : 'good';
  return outcome.failure === 'forbidden_address' ? 'neither' : 'bad';
};
