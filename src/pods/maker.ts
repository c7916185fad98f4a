/**
 * Makes a pod that was paid for: the object in the cluster, then the note that it is there. Whoever else makes the same one,
 * here or elsewhere, makes the same object, and it is found. What can never be made is given back at once.
 */
import { ClusterFault } from '../core/cluster-fault.ts';
import type { PaidPod } from '../core/pod.ts';
import type { Cluster, Manifest } from './cluster.ts';
import type { PodEvents } from './pod-events.ts';
import type { PodRow, PodStore } from './pod-store.ts';

/** What is sent for a pod. */
export type Rendered = Readonly<{ pod: Manifest; service?: Manifest }>;

export type Made =
  | Readonly<{ made: 'created'; row: PodRow }>
  /** Its price is credit again. */
  | Readonly<{ made: 'given_back' }>
  /** It has ended meanwhile. */
  | Readonly<{ made: 'ended' }>
  | Readonly<{ made: 'failed'; fault: ClusterFault }>;

export type Maker = Readonly<{
  /** One at a time for each name: whoever comes meanwhile is told the same. */
  make(pod: PaidPod): Promise<Made>;
  /** `false` where it was made before, or has ended. */
  giveBack(pod: PaidPod, reason: string): Promise<boolean>;
}>;

export type MakerOptions = Readonly<{
  store: Pick<PodStore, 'find' | 'noteCreated' | 'giveBack'>;
  cluster: Pick<Cluster, 'createPod' | 'createService' | 'deletePod'>;
  /** Undefined where there is no such template any more. */
  render(pod: PaidPod): Rendered | undefined;
  now: () => number;
  onFault(template: string, fault: ClusterFault): void;
  onTaken(template: string): void;
  events: Pick<PodEvents, 'onCreated' | 'onCreateFailed' | 'onGivenBack'>;
}>;

/** What came of the objects: there now, somebody else's, or not. */
type Outcome = 'created' | 'found' | Readonly<{ foreign: string }> | ClusterFault;

export const createMaker = (options: MakerOptions): Maker => {
  const { store, cluster, render, now, events } = options;
  const underWay = new Map<string, Promise<Made>>();

  const giveBack = async (pod: PaidPod, reason: string): Promise<boolean> => {
    const given = await store.giveBack(pod.name, now());
    if (given) events.onGivenBack(pod, reason);
    return given;
  };

  const fail = (pod: PaidPod, fault: ClusterFault): Made => {
    events.onCreateFailed(pod, fault);
    return { made: 'failed', fault };
  };

  const giveUp = async (pod: PaidPod, fault: ClusterFault): Promise<Made> => {
    if (await giveBack(pod, fault.message)) return { made: 'given_back' };
    const row = await store.find(pod.name);
    return row && row.ending === undefined ? fail(pod, fault) : { made: 'ended' };
  };

  const createAll = async (pod: PaidPod, { pod: manifest, service }: Rendered): Promise<Outcome> => {
    const creation = await cluster.createPod(manifest);
    if (creation === 'foreign') return { foreign: `another pod has the name ${pod.name}` };
    if (!service || (await cluster.createService(service)) !== 'foreign') return creation;
    await cluster.deletePod(pod.name);
    return { foreign: `another service has the name ${pod.name}` };
  };

  const create = async (pod: PaidPod): Promise<Outcome> => {
    // Its time begins when it is there.
    const rendered = render({ ...pod, expiresAtMs: now() + pod.runsMs });
    if (!rendered) return new ClusterFault('refused', `there is no template ${pod.template} any more`);
    try {
      return await createAll(pod, rendered);
    } catch (error) {
      if (error instanceof ClusterFault) return error;
      throw error;
    }
  };

  const note = async (pod: PaidPod): Promise<Made> => {
    const nowMs = now();
    const row = await store.noteCreated(pod.name, nowMs);
    if (!row) {
      await cluster.deletePod(pod.name);
      return { made: 'ended' };
    }
    options.onTaken(pod.template);
    // Whoever else has made it has told of it.
    if (row.createdAtMs === nowMs) events.onCreated(row);
    return { made: 'created', row };
  };

  const tryToMake = async (pod: PaidPod): Promise<Made> => {
    const outcome = await create(pod);
    if (outcome === 'created' || outcome === 'found') return note(pod);
    if (!(outcome instanceof ClusterFault)) return giveUp(pod, new ClusterFault('refused', outcome.foreign));
    options.onFault(pod.template, outcome);
    return outcome.kind === 'refused' ? giveUp(pod, outcome) : fail(pod, outcome);
  };

  return {
    giveBack,

    make(pod) {
      const other = underWay.get(pod.name);
      if (other !== undefined) return other;
      const making = tryToMake(pod).finally(() => underWay.delete(pod.name));
      underWay.set(pod.name, making);
      return making;
    },
  };
};
