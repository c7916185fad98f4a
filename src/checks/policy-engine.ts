/** What a policy engine is to a check: something that answers queries about an input, and nothing else. */
import type { Eventually } from '../core/eventually.ts';

/** Nothing is thrown: an engine that cannot answer says so, and the request is denied. */
export type PolicyAnswer =
  /** Any JSON value. What it means is not the engine's affair. */
  | Readonly<{ outcome: 'value'; value: unknown }>
  | Readonly<{ outcome: 'undefined' }>
  | Readonly<{ outcome: 'timeout' }>
  /** `cause` is for the log alone. */
  | Readonly<{ outcome: 'failed'; cause: unknown }>;

/**
 * Members of an input that come again with other requests: one object for as long as its caller or certificate is known, so that an
 * engine may keep what it has read.
 */
export type InputPart = Readonly<{
  /** Of no other part, before or after. */
  id: number;
  members: string;
}>;

export type InputParts = readonly [InputPart, InputPart];

/** Members of an input that are of one request alone. */
export type OwnGroup = 'request' | 'headers' | 'source' | 'egress';

/** Of one generation of the configuration: policies are loaded with it, all or nothing. */
export type PolicyEngine = Readonly<{
  /**
   * `query` is one of those that the engine was loaded for, such as `data.orders.allow`; `input` is JSON text, not longer than
   * the configured size. Answers within the configured time, also where a policy would not end by itself.
   */
  evaluate(query: string, input: string): Eventually<PolicyAnswer>;
  /** As `evaluate`, of an object with the members `own`, of which there may be none, and those of `parts`. */
  evaluateParts?(query: string, own: string, parts: InputParts): Eventually<PolicyAnswer>;
  /**
   * Of an engine that knows its policies: whether any of them can see `input.GROUP.MEMBER`, or all of `input.GROUP` where no member is
   * given. What none of them can see need not be told.
   */
  reads?(group: OwnGroup, member?: string): boolean;
  /** Of an engine that is elsewhere: what is wrong with it now, for readiness. Never rejects. */
  problem?(): Promise<string | undefined>;
  /** Once no question is under way any more. */
  close(): Promise<void>;
}>;

/**
 * What is wrong with a policy, for whoever wrote it. `line` and `column` count from 1, and are 0 where there is none to show.
 * `query` is the question that shows it, left out where every question does.
 */
export type PolicyProblem = Readonly<{
  file: string;
  line: number;
  column: number;
  message: string;
  hint?: string;
  query?: string;
}>;

/** Either all of the policies can be used, or none. */
export type LoadedPolicy = Readonly<{ engine: PolicyEngine }> | Readonly<{ problems: readonly PolicyProblem[] }>;

export type PolicyOptions = Readonly<{
  /** Every query that `evaluate` will be asked; each is tried once, for much shows only then. */
  queries: readonly string[];
  /** How long one answer may take. */
  timeoutMs: number;
  now(): number;
}>;
