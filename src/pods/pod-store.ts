/**
 * The ledger's pods. A pod is written down in the transaction that takes the money for it, and ends there too: the cluster
 * follows. Every operation is one durable transaction, and repeating it changes nothing.
 */
import type { PaidPod } from '../core/pod.ts';

/**
 * `expired`: its time ran out. `deleted`: an operator ended it. `given_back`: it could not be made, and the money is on the
 * account again.
 */
export type PodEnding = 'expired' | 'deleted' | 'given_back';

/** `ending` and `endedAtMs`: what it counts for nothing any more, and is not in the cluster, or shall not be. */
export type PodRow = PaidPod &
  Readonly<{
    /** The rule, and the price where it was raised. */
    rule: string;
    /** The time that was bought with it, extensions left out. */
    lastsMs: number;
    wantedAtMs: number;
    createdAtMs?: number;
    readyAtMs?: number;
    ending?: PodEnding;
    endedAtMs?: number;
  }>;

export type PodQuery = Readonly<{
  /** Only those that have not ended. */
  alive: boolean;
  /** The name after which the page begins. */
  after?: string;
  limit: number;
}>;

/** How many there are, for metrics and `sallyport pods list`. `reserved`: kept for payments that are under way. */
export type PodCounts = Readonly<{ reserved: number; wanted: number; created: number }>;

export type PodStore = Readonly<{
  find(name: string): Promise<PodRow | undefined>;
  /** By name. */
  list(query: PodQuery): Promise<readonly PodRow[]>;
  counts(): Promise<PodCounts>;
  /** Wanted, oldest first. */
  wanted(limit: number): Promise<readonly PodRow[]>;
  /**
   * The API server has it: its time begins now, the payer's purchase with it, and both end together. Where it was noted
   * before, nothing changes. Undefined where it has ended meanwhile: then it has to be deleted again.
   */
  noteCreated(name: string, nowMs: number): Promise<PodRow | undefined>;
  /** Its address, and that it is ready. */
  noteSeen(name: string, seen: Readonly<{ ip?: string; isReady: boolean }>, nowMs: number): Promise<void>;
  /** It is not in the cluster any more although its time lasts: wanted again, for what is left of it. */
  noteLost(name: string, nowMs: number): Promise<PodRow | undefined>;
  /** Not ended, and past their time by then. */
  expired(nowMs: number, limit: number): Promise<readonly PodRow[]>;
  /**
   * `deleted` ends the payer's time as well. Says whether this call ended it.
   */
  end(name: string, ending: Exclude<PodEnding, 'given_back'>, nowMs: number): Promise<boolean>;
  /** Ends a wanted pod that was never made: its price is credit again, and the time that it bought is over. */
  giveBack(name: string, nowMs: number): Promise<boolean>;
  /** Drops places that were kept before then for payments that came to nothing, or whose payer never came back. */
  releaseReserved(beforeMs: number): Promise<number>;
  /** Forgets ended ones, some at a time. Says whether there may be more. */
  forget(beforeMs: number, limit: number): Promise<boolean>;
}>;
