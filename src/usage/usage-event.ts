/** One request that was let through, as usage counts it. Refused requests are nobody's usage. */
export type UsageEvent = Readonly<{
  /** The event's own name: of several with one id, one counts. For an entry of Envoy's access log its `stream_id`. */
  id: string;
  source: 'decision' | 'access_log';
  /** Milliseconds since the epoch. */
  atMs: number;
  /** Empty for callers without an API key. */
  keyId: string;
  /** Empty for callers without a name. */
  userId: string;
  rule: string;
  method: string;
  host: string;
  /** Without the query, which may hold secrets. */
  path: string;
  /** What the caller got; for a decision, whose answer is the application's, 200. */
  status: number;
  /** 0 where it is not known. */
  requestBytes: number;
  /** 0 where it is not known. */
  responseBytes: number;
  /** Of the whole request; for a decision, of the decision. */
  durationMs: number;
}>;

/** Never throws and never waits: what cannot be kept is dropped, and counted. */
export type RecordUsage = (event: UsageEvent) => void;
