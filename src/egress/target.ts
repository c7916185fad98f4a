/** An external service, and all it takes to call it. */
import type { Credential } from './credential.ts';
import type { AnswerReceiver, Sending, UpstreamCall } from './upstream.ts';

/**
 * A call whose route is found and whose headers are cleaned: its path is below the base path of the target, no credential is on
 * it yet, and `timeoutMs` is of the call with all its attempts.
 */
export type OutgoingCall = UpstreamCall;

/** Besides the answer: what the event of a call tells. */
export type CallReceiver = AnswerReceiver &
  Readonly<{
    /**
     * An attempt is about to be made, with credentials of these versions. `renew` is for whoever tries again: called after a
     * 401, it is true where another attempt may be dressed otherwise. As `refuse`, it may be called before `send` has returned.
     */
    attempt(credentialVersion: string, renew?: () => boolean): void;
    /** No attempt could be made: by a credential, by a limit, by the breaker. Ends the call, as `fail` does. */
    refuse(refused: CallRefused): void;
  }>;

export type CallRefused = Readonly<{
  /** `forbidden`: the credential is not for this call, now or later. */
  why: 'busy' | 'breaker' | 'credential' | 'forbidden';
  /** How long the caller should wait, in milliseconds. */
  retryAfterMs: number | undefined;
  /** For the log alone. */
  cause: unknown;
}>;

/** Makes one call. One attempt by itself; what tries again, or refuses to, is of this same shape and wraps another. */
export type SendCall = (call: OutgoingCall, receiver: CallReceiver) => Sending;

export type Target = Readonly<{
  name: string;
  /** `https://api.example.com`, with the port where it is not the scheme's own. */
  origin: string;
  /** Percent-encoded, without a slash at its end; empty where the base URL has no path. */
  basePath: string;
  credentials: readonly Credential[];
  timeoutMs: number;
  /**
   * Most bytes of a body that is wanted whole before the call leaves, by a credential or to be sent again: a longer one is
   * refused. Undefined where it streams. `length` is undefined where the caller does not announce it.
   */
  wholeBody(method: string, headers: readonly string[], length: number | undefined): number | undefined;
  send: SendCall;
  /** One attempt and no other, past all limits: for calls that become WebSockets. */
  sendOnce: SendCall;
}>;
