/** What one attempt tells: whether another could end better, and how the target is. */
import type { UpstreamFailure } from '../upstream.ts';

/** `neither` says nothing about the target: we asked wrongly, or did not wait for the answer. */
export type Health = 'good' | 'bad' | 'neither';

/** Of the target itself, or of whatever stands before it: the call may well succeed in a moment. */
const isOutage = (status: number): boolean => status >= 502 && status <= 504;

/** Whether the answer may be another in a moment. `retryAfterMs` is what the target asked for, if it did. */
export const isPassingStatus = (status: number, retryAfterMs: number | undefined): boolean =>
  isOutage(status) || (status === 429 && retryAfterMs !== undefined);

/** 500 is an answer to this one call, more often than not. */
export const healthOfStatus = (status: number): Health => (isOutage(status) ? 'bad' : 'good');

/** Whether another attempt may bring an answer. A timeout has used up the time for it. */
export const isPassingFailure = (failure: UpstreamFailure): boolean => failure === 'unreachable' || failure === 'reset';

export const healthOfFailure = (failure: UpstreamFailure): Health => {
  switch (failure) {
    case 'unreachable':
    case 'timeout':
    case 'reset':
    case 'malformed':
      return 'bad';
    case 'forbidden_address':
    case 'aborted':
    case 'body':
    case 'internal':
      return 'neither';
  }
};
