/** What the watch has told of the pods in the cluster: the little of each that is needed, and nothing is asked for. */
import type { SeenPod, Watcher } from './cluster.ts';

export type SeenPodsOptions = Readonly<{
  /** Everything is known again, or nothing was missed. */
  onHeard(): void;
  onSilent(reason: string): void;
  onAppeared(pod: SeenPod): void;
  /** Whether it is ready, or its address; also where it appeared. */
  onChanged(pod: SeenPod): void;
  onGone(pod: SeenPod): void;
}>;

export type SeenPods = Readonly<{
  watcher: Watcher;
  find(name: string): SeenPod | undefined;
  all(): readonly SeenPod[];
  /** Why nothing is heard; undefined while the watch tells. */
  silence(): string | undefined;
  /** Resolves when it is ready, or with undefined at the signal. */
  untilReady(name: string, signal: AbortSignal): Promise<SeenPod | undefined>;
}>;

export const createSeenPods = (options: SeenPodsOptions): SeenPods => {
  const pods = new Map<string, SeenPod>();
  const waiting = new Map<string, Set<(pod: SeenPod) => void>>();
  let silence: string | undefined = 'the API server has not been asked yet';

  const note = (pod: SeenPod): void => {
    const before = pods.get(pod.name);
    pods.set(pod.name, pod);
    if (before?.uid !== pod.uid) options.onAppeared(pod);
    if (before?.isReady !== pod.isReady || before.ip !== pod.ip) options.onChanged(pod);
    if (pod.isReady) for (const tell of waiting.get(pod.name) ?? []) tell(pod);
  };

  const forget = (pod: SeenPod): void => {
    // Another of the same name may be there by now.
    if (pods.get(pod.name)?.uid !== pod.uid) return;
    pods.delete(pod.name);
    options.onGone(pod);
  };

  const hear = (): void => {
    silence = undefined;
    options.onHeard();
  };

  return {
    watcher: {
      onListed(listed) {
        const uids = new Set(listed.map(({ uid }) => uid));
        for (const pod of [...pods.values()]) if (!uids.has(pod.uid)) forget(pod);
        for (const pod of listed) note(pod);
        hear();
      },
      onChanged: note,
      onGone: forget,
      onLost(reason) {
        silence = reason;
        options.onSilent(reason);
      },
      onResumed: hear,
    },
    find: (name) => pods.get(name),
    all: () => [...pods.values()],
    silence: () => silence,

    untilReady(name, signal) {
      const known = pods.get(name);
      if (known?.isReady || signal.aborted) return Promise.resolve(known?.isReady ? known : undefined);
      const { promise, resolve } = Promise.withResolvers<SeenPod | undefined>();
      const ofName = waiting.get(name) ?? new Set();
      const stopWaiting = (pod?: SeenPod): void => {
        ofName.delete(stopWaiting);
        if (ofName.size === 0) waiting.delete(name);
        signal.removeEventListener('abort', giveUp);
        resolve(pod);
      };
      const giveUp = (): void => stopWaiting();
      ofName.add(stopWaiting);
      waiting.set(name, ofName);
      signal.addEventListener('abort', giveUp);
      return promise;
    },
  };
};
