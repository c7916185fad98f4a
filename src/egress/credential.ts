/** How a secret is put on a call. Each kind implements this one interface; none of them knows routes, retries or sockets. */
import type { Eventually } from '../core/eventually.ts';

/** A call that is about to leave, before this credential is on it. */
export type LeavingCall = Readonly<{
  method: string;
  /** `https://api.example.com`, with the port where it is not the scheme's own. */
  origin: string;
  /** In origin form with the query, percent-encoded, as it will be sent. */
  path: string;
  /** Name, value, name, value: end-to-end headers alone, without `Host`. */
  headers: readonly string[];
  /** The whole body where the credential wants it (`body: 'buffered'`); else it streams, and this is undefined. */
  body: Buffer | undefined;
}>;

export type Dressing = Readonly<{
  /** Name, value, name, value: set on the call, where no copy of the caller's is left. */
  headers: readonly string[];
  /** Percent-encoded and without `&` at either end, added to the query; empty for none. */
  query: string;
}>;

export type Credential = Readonly<{
  kind: string;
  /** Another whenever the secret is another, and says nothing about it. For audit lines, metrics and cache keys. */
  version: string;
  /** In lower case: the caller's own headers of these names never leave. */
  headerNames: readonly string[];
  /** The caller's own query parameters of these names never leave. */
  queryNames: readonly string[];
  body: 'streamed' | 'buffered';
  /** Most bytes of a body that is buffered for it; a longer one is refused with 413. Without it, whatever the proxy bears. */
  mostBodyBytes?: number;
  /** Called for each attempt anew. Throws or rejects with `CredentialUnavailable` alone. */
  dress(call: LeavingCall): Eventually<Dressing>;
  /** The target answered 401 to a call so dressed. True where `dress` may now give another: it is asked once more. */
  renew?(used: Dressing): boolean;
}>;

/** No credential can be had for now. The message is for the log; the caller learns the code alone. */
export class CredentialUnavailable extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & Readonly<{ retryAfterMs?: number }> = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** This credential may not be put on this call: it is for another origin, path or method. No later try changes that. */
export class CredentialForbidden extends CredentialUnavailable {}
