import type { Findings } from '../core/findings.ts';

/** Why a call got no answer of its target's. */
export type EgressErrorType =
  | 'no_route'
  | 'method'
  | 'caller'
  /** A policy denies the call. */
  | 'policy'
  /** A policy gives no answer, or none that can be used. */
  | 'policy_failed'
  | 'limited'
  | 'busy'
  | 'breaker'
  | 'credential'
  /** The credential is not for this path or method. */
  | 'forbidden'
  | 'forbidden_address'
  | 'unreachable'
  | 'timeout'
  | 'reset'
  | 'aborted'
  | 'bad_request'
  | 'loop'
  | 'internal';

/** What is told of every call, answered or not. Nothing in it is secret. */
export type EgressEvent = Readonly<{
  requestId: string;
  /** Empty where no route was found. */
  target: string;
  method: string;
  /** As the caller wrote it, without the query. */
  path: string;
  /** What the caller got. 0 where it left before. */
  status: number;
  durationMs: number;
  /** How many times the target was asked. */
  attempts: number;
  /** Who asked, as the caller check found: `certificate:…`, `jwt:issuer/sub`, `api_key:id`, or the address. */
  caller: string;
  /** Versions of the credentials that were put on it, joined by commas. */
  credentialVersion: string;
  error?: EgressErrorType;
  /** What a policy said of the call. */
  findings?: Findings | undefined;
  /** For the log alone. */
  cause?: unknown;
}>;
