/** Pods that payments buy (seed 004): what the ledger writes down, and what the cluster makes of it. Plain data. */
import type { Eventually } from './eventually.ts';
import type { Refusal } from './refusal.ts';

/** What a rule starts for a payment, and how much of it there may be. */
export type PodTerms = Readonly<{
  /** Name of the operator's template. */
  template: string;
  /** Most pods alive at a time, of one account and in all. */
  mostOfAccount: number;
  mostInAll: number;
  /** From its beginning to its end, with every extension. */
  longestMs: number;
}>;

/**
 * `wanted`: paid for, and not known to be there. `created`: the API server has it. `ready`: it was seen to be so, whatever
 * became of it since.
 */
export type PodStage = 'wanted' | 'created' | 'ready';

/** A pod that was paid for and whose time has not run out. */
export type PaidPod = Readonly<{
  /** `user-pod-` and 12 hex digits, derived from the payment: whoever asks again finds the same one. */
  name: string;
  template: string;
  /** The account's (`Receipt.paymentId`). */
  paymentId: string;
  /** What it cost, in `unit`, extensions left out. */
  amount: number;
  unit: string;
  stage: PodStage;
  /** Known once it has a node. */
  ip?: string;
  /** From when it is there to its end, with every extension; of one that was lost, what is left of that. */
  runsMs: number;
  /** While it is wanted: if it had been there when it was asked for. Whoever creates it counts `runsMs` from now. */
  expiresAtMs: number;
}>;

/** What the application is told of a payer's pod: `X-Provisioned-Pod`, and by choice more. */
export type ProvisionedPod = Readonly<{ name: string; headers: Readonly<Record<string, string>> }>;

/** Turns what was paid for into pods, for one rule. */
export type Provision = Readonly<{
  terms: PodTerms;
  /** Why none can be started now: asked before any money moves, and asks nobody itself. */
  problem(): Refusal | undefined;
  /**
   * Resolves when the pod is as far as the operator wants it to be for an answer; at once where it was before. A refusal
   * (503 with `Retry-After`) where that takes too long: the pod is still made.
   */
  bring(pod: PaidPod): Eventually<ProvisionedPod | Refusal>;
}>;
