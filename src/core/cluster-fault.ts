/**
 * `unreachable`: no answer, none in time, or one that says to come again (429, 5xx): it may have been done. `no_room`: a
 * quota of the namespace is full. `forbidden`: our role, or an admission, does not allow it. `refused`: it will never be
 * taken as it is (an invalid object, a namespace that is not there).
 */
export type ClusterFaultKind = 'unreachable' | 'no_room' | 'forbidden' | 'refused';

export class ClusterFault extends Error {
  override name = 'ClusterFault';
  readonly kind: ClusterFaultKind;
  /** Asked for by the API server. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: ClusterFaultKind, message: string, rest: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(message, rest);
    this.kind = kind;
    this.retryAfterMs = rest.retryAfterMs;
  }
}
