/** What a caller is told where a call has no answer of its target's: a code, and nothing of what was found out. */
import { type Refusal, refuse } from '../core/refusal.ts';
import type { EgressErrorType } from '../egress/egress-event.ts';
import type { CallRefused } from '../egress/target.ts';
import type { UpstreamFault } from '../egress/upstream.ts';

/** `error` is the name in metrics; there is none where a rule refused the request. */
export type Failed = Readonly<{ error: EgressErrorType | undefined; refusal: Refusal; cause: unknown }>;

const unreachable = refuse('target_unreachable', 'There is no connection to the target. Try again later.');
const forbidden = refuse('target_forbidden', 'The target has an address that is never called.');
const reset = refuse('target_reset', 'The target ended the connection before its answer. It may have done its work.');
const malformed = refuse('target_malformed', 'What the target answers cannot be read. It may have done its work.');
const timeout = refuse('target_timeout', 'The target did not answer in time. It may still do its work.');
const brokenBody = refuse('bad_request', 'The body ended before its end.');
const internal = refuse('internal_error', 'The call could not be sent.');

const refusalOfFault = ({ failure }: UpstreamFault): Readonly<{ error: EgressErrorType; refusal: Refusal }> => {
  switch (failure) {
    case 'unreachable':
      return { error: 'unreachable', refusal: unreachable };
    case 'forbidden_address':
      return { error: 'forbidden_address', refusal: forbidden };
    case 'timeout':
      return { error: 'timeout', refusal: timeout };
    case 'reset':
      return { error: 'reset', refusal: reset };
    case 'malformed':
      return { error: 'reset', refusal: malformed };
    case 'aborted':
      return { error: 'aborted', refusal: reset };
    case 'body':
      return { error: 'bad_request', refusal: brokenBody };
    case 'internal':
      return { error: 'internal', refusal: internal };
  }
};

export const failedBy = (fault: UpstreamFault): Failed => ({
  ...refusalOfFault(fault),
  cause: fault.cause ?? fault.message,
});

const later = (retryAfterMs: number | undefined) =>
  retryAfterMs === undefined
    ? {}
    : { headers: { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) } };

export const refusedBy = ({ why, retryAfterMs, cause }: CallRefused): Failed => {
  switch (why) {
    case 'busy':
      return {
        error: 'busy',
        refusal: refuse('target_busy', 'Too many calls are under way.', later(retryAfterMs)),
        cause,
      };
    case 'breaker': {
      const detail = 'The target failed too often, and is left alone for a while.';
      return { error: 'breaker', refusal: refuse('target_suspended', detail, later(retryAfterMs)), cause };
    }
    case 'credential': {
      const detail = 'The credential of the target cannot be had now.';
      return { error: 'credential', refusal: refuse('credential_unavailable', detail, later(retryAfterMs)), cause };
    }
    case 'forbidden':
      return {
        error: 'forbidden',
        refusal: refuse('credential_forbidden', 'The credential of the target is not for this path or method.'),
        cause,
      };
  }
};

const errorOfRefusal = ({ code }: Refusal): EgressErrorType => {
  switch (code) {
    case 'no_route':
      return 'no_route';
    case 'method_not_allowed':
      return 'method';
    case 'rate_limited':
      return 'limited';
    case 'loop_detected':
      return 'loop';
    case 'policy_denied':
    case 'policy_undefined':
      return 'policy';
    case 'policy_failed':
    case 'policy_malformed':
    case 'policy_timeout':
      return 'policy_failed';
    case 'internal_error':
    case 'store_unavailable':
    case 'keys_unavailable':
      return 'internal';
    default:
      return 'bad_request';
  }
};

/** Of a call that was refused before its caller was looked at. */
export const refusedAtOnce = (refusal: Refusal): Failed => ({
  error: errorOfRefusal(refusal),
  refusal,
  cause: refusal.cause,
});

/** Of a caller that was refused. */
export const refusedCaller = (refusal: Refusal): Failed => {
  const error = errorOfRefusal(refusal);
  return { error: error === 'bad_request' ? 'caller' : error, refusal, cause: refusal.cause };
};

/** By a rule: what came of it is in the decision. */
export const refusedByRule = (refusal: Refusal): Failed => ({ error: undefined, refusal, cause: undefined });

/** The caller neither sends its body nor reads the answer. */
export const stoodStill: Failed = {
  error: 'aborted',
  refusal: refuse('request_timeout', 'The body of the request stands still.'),
  cause: undefined,
};

export const unexpected = (cause: unknown): Failed => ({ error: 'internal', refusal: internal, cause });
