/** Brings what was paid for to where the operator wants it for an answer, while its payer waits. */
import type { Headers } from '../core/decision.ts';
import type { Eventually } from '../core/eventually.ts';
import type { PaidPod, PodTerms, Provision, ProvisionedPod } from '../core/pod.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Availability } from './availability.ts';
import type { Maker } from './maker.ts';
import type { SeenPods } from './seen-pods.ts';

export type Tell = 'ip' | 'service' | 'expires';

export type ProvisionerOptions = Readonly<{
  availability: Pick<Availability, 'problem'>;
  maker: Pick<Maker, 'make'>;
  seen: Pick<SeenPods, 'find' | 'untilReady'>;
  wait: 'created' | 'ready';
  /** How long a payer waits. */
  waitMs: number;
  /** Headers besides the pod's name. */
  tell: readonly Tell[];
  namespace: string;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}>;

/** What each word of `tell` is told by. */
export const podHeaders: Readonly<Record<Tell, string>> = {
  ip: 'X-Pod-IP',
  service: 'X-Pod-Service',
  expires: 'X-Pod-Expires',
};

const RETRY_SECONDS = 2;
const FIRST_PAUSE_MS = 250;

const none: Headers = {};

const pending = (retryAfterMs = 0, cause?: unknown): Refusal =>
  refuse('pod_pending', 'The pod is paid for, and not there yet. Nothing is lost: send the same request again.', {
    headers: { 'Retry-After': String(Math.max(RETRY_SECONDS, Math.ceil(retryAfterMs / 1_000))) },
    cause,
  });

const givenBack = refuse('pods_unavailable', 'The pod could not be made. What it cost is credit again: try later.', {
  headers: { 'Retry-After': '30' },
});

const over = refuse('pod_pending', 'The pod has ended. Send the same request again.', {
  headers: { 'Retry-After': String(RETRY_SECONDS) },
});

export const createProvisioner = (options: ProvisionerOptions): ((terms: PodTerms) => Provision) => {
  const { availability, maker, seen, wait, waitMs, tell, namespace, pause } = options;

  const valueOfWord = (word: Tell, pod: PaidPod): string => {
    switch (word) {
      case 'ip':
        return seen.find(pod.name)?.ip ?? pod.ip ?? '';
      case 'service':
        return `${pod.name}.${namespace}.svc`;
      case 'expires':
        return new Date(pod.expiresAtMs).toISOString();
    }
  };

  const toldOf = (pod: PaidPod): ProvisionedPod => ({
    name: pod.name,
    headers:
      tell.length === 0 ? none : Object.fromEntries(tell.map((word) => [podHeaders[word], valueOfWord(word, pod)])),
  });

  const isFarEnough = (pod: PaidPod): boolean =>
    pod.stage === 'ready' || (pod.stage === 'created' && (wait === 'created' || seen.find(pod.name)?.isReady === true));

  /** A call that failed is made again while its payer waits, unless the cluster said for how long not to. */
  const make = async (pod: PaidPod, signal: AbortSignal, pauseMs = FIRST_PAUSE_MS): Promise<PaidPod | Refusal> => {
    const made = await maker.make(pod);
    switch (made.made) {
      case 'created':
        return made.row;
      case 'given_back':
        return givenBack;
      case 'ended':
        return over;
      case 'failed': {
        const { kind, retryAfterMs = 0 } = made.fault;
        if (kind !== 'unreachable' || retryAfterMs > pauseMs) return pending(retryAfterMs, made.fault);
        await pause(pauseMs, signal);
        return signal.aborted ? pending(0, made.fault) : make(pod, signal, pauseMs * 2);
      }
    }
  };

  const bringUp = async (pod: PaidPod, signal: AbortSignal): Promise<ProvisionedPod | Refusal> => {
    const there = pod.stage === 'wanted' ? await make(pod, signal) : pod;
    if (isRefusal(there)) return there;
    if (!isFarEnough(there) && !(await seen.untilReady(there.name, signal))) return pending();
    return toldOf(there);
  };

  /** What was begun goes on when nobody waits for it any more. */
  const inTime = async (pod: PaidPod): Promise<ProvisionedPod | Refusal> => {
    const patience = new AbortController();
    const late = pause(waitMs, patience.signal).then((): Refusal => pending());
    const storeFailed = (cause: unknown) => pending(0, cause);
    const outcome = await Promise.race([bringUp(pod, patience.signal).catch(storeFailed), late]);
    patience.abort();
    return outcome;
  };

  return (terms) => ({
    terms,
    problem: () => availability.problem(terms.template),
    bring: (pod): Eventually<ProvisionedPod | Refusal> => (isFarEnough(pod) ? toldOf(pod) : inTime(pod)),
  });
};
