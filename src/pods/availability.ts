/**
 * Whether pods can be started now, known before a payment is touched and without asking anybody then. The watch says
 * whether the API server is there. Whether it would take a pod is tried by a dry run of each template: at the start, when
 * the watch is heard again, when the number of pods has changed (quotas), and after a create that failed.
 */

import { ClusterFault } from '../core/cluster-fault.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { createPrompted, type Prompted } from './prompted.ts';

export type AvailabilityOptions = Readonly<{
  templates: readonly string[];
  /** A dry run of a pod of this template. Throws `ClusterFault`. */
  tryTemplate(template: string): Promise<void>;
  /** Why nothing is heard of the cluster. */
  silence(): string | undefined;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told when it changes. */
  onAvailable(problem: string | undefined): void;
}>;

export type Availability = Readonly<{
  problem(template: string): Refusal | undefined;
  /** For readiness. */
  reason(): string | undefined;
  /** The watch is heard, or is not. */
  noteWatch(): void;
  /** There is one pod more, or less. */
  noteCount(change: 'more' | 'less'): void;
  noteFault(template: string, fault: ClusterFault): void;
  noteCreated(template: string): void;
  close(): Promise<void>;
}>;

type Verdict = 'untried' | 'good' | ClusterFault;

/** Quotas that are raised are noticed, and pods that go are heard of by themselves. */
const FULL_MS = 60_000;
const RETRY_MS: Readonly<Record<ClusterFault['kind'], number>> = {
  unreachable: 2_000,
  no_room: FULL_MS,
  forbidden: 30_000,
  refused: 30_000,
};
const UNTRIED = 'the API server has not been asked yet';
const LEAST_BETWEEN_MS = 1_000;

const retryAfter = (ms: number) => ({ 'Retry-After': String(Math.max(1, Math.ceil(ms / 1_000))) });

const unavailable = (cause: string | ClusterFault, afterMs: number): Refusal =>
  refuse('pods_unavailable', 'No pod can be started now. The payment was not touched: send it again later.', {
    headers: retryAfter(afterMs),
    cause,
  });

const refusalOf = (verdict: Verdict): Refusal | undefined => {
  if (verdict === 'good') return undefined;
  if (verdict === 'untried') return unavailable(UNTRIED, 1_000);
  if (verdict.kind !== 'no_room') return unavailable(verdict, verdict.retryAfterMs ?? RETRY_MS[verdict.kind]);
  return refuse('pods_full', 'There is no room for a further pod. The payment was not touched: send it again later.', {
    headers: retryAfter(RETRY_MS.no_room),
    cause: verdict,
  });
};

const toFault = (error: unknown): ClusterFault =>
  error instanceof ClusterFault ? error : new ClusterFault('unreachable', String(error), { cause: error });

export const createAvailability = (options: AvailabilityOptions): Availability => {
  const { templates, silence, pause } = options;
  const verdicts = new Map<string, Verdict>(templates.map((template) => [template, 'untried']));
  let told: string | undefined = UNTRIED;
  let hasBegun = false;

  const reason = (): string | undefined => {
    const silent = silence();
    if (silent !== undefined) return silent;
    const faults = [...verdicts].flatMap(([template, verdict]) => {
      if (verdict === 'good') return [];
      return [`template ${template}: ${verdict === 'untried' ? UNTRIED : verdict.message}`];
    });
    return faults.length > 0 ? faults.join('; ') : undefined;
  };

  const tell = (): void => {
    const now = reason();
    const isStarting = silence() === undefined && [...verdicts.values()].includes('untried');
    if (now === told || isStarting) return;
    told = now;
    options.onAvailable(now);
  };

  const judge = (template: string, verdict: Verdict): void => {
    verdicts.set(template, verdict);
    tell();
  };

  const attempt = async (template: string): Promise<number | undefined> => {
    // Whoever hears again prompts.
    if (silence() !== undefined) return undefined;
    try {
      await options.tryTemplate(template);
      judge(template, 'good');
      return undefined;
    } catch (error) {
      const fault = toFault(error);
      judge(template, fault);
      return fault.retryAfterMs ?? RETRY_MS[fault.kind];
    }
  };

  const trials = new Map<string, Prompted>(
    templates.map((template) => [
      template,
      createPrompted({
        run: () => attempt(template),
        leastMs: LEAST_BETWEEN_MS,
        retryMs: RETRY_MS.unreachable,
        pause,
        onFailed: () => undefined,
      }),
    ]),
  );

  const isWrong = (template: string): boolean => isRefusal(refusalOf(verdicts.get(template) ?? 'untried'));

  return {
    problem(template) {
      const silent = silence();
      return silent === undefined ? refusalOf(verdicts.get(template) ?? 'untried') : unavailable(silent, 5_000);
    },

    reason,

    noteWatch() {
      tell();
      if (silence() !== undefined) return;
      for (const trial of trials.values()) {
        if (hasBegun) trial.prompt();
        else trial.start();
      }
      hasBegun = true;
    },

    noteCount(change) {
      // One more may have been the last; one less matters where there was no room.
      for (const [template, trial] of trials) if (change === 'more' || isWrong(template)) trial.prompt();
    },

    noteFault(template, fault) {
      judge(template, fault);
      if (fault.kind === 'unreachable') trials.get(template)?.prompt();
    },

    noteCreated(template) {
      if (isWrong(template)) judge(template, 'good');
    },

    async close() {
      await Promise.all([...trials.values()].map((trial) => trial.close()));
    },
  };
};
