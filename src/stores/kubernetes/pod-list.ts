/** All pods of ours at one moment, page by page: whole objects of one page at a time are in memory. */
import { ClusterFault } from '../../core/cluster-fault.ts';
import { podSelector } from '../../core/pod-marks.ts';
import type { SeenPod } from '../../pods/cluster.ts';
import type { Connection } from './connection.ts';
import { faultOf } from './fault.ts';
import { listAt, textAt } from './json.ts';
import { readPod } from './seen-pod.ts';

export type PodList = Readonly<{
  pods: readonly SeenPod[];
  /** What a watch goes on from. */
  version: string;
}>;

const PAGE = '200';
/** The next page of a list has gone where etcd was compacted in between. */
const TRIES = 3;
const GONE = 410;

/** `collection`: its path. `within`: the time of one page. */
export const listPods = async (
  connection: Connection,
  collection: string,
  within: () => AbortSignal,
): Promise<PodList> => {
  let pods: SeenPod[] = [];
  let next: string | undefined;
  for (let tries = 0; tries < TRIES; ) {
    const query = { labelSelector: podSelector, limit: PAGE, ...(next !== undefined && { continue: next }) };
    const answer = await connection.call('GET', collection, { query, signal: within() });
    if (answer.status === GONE && next !== undefined) {
      tries += 1;
      pods = [];
      next = undefined;
      continue;
    }
    if (answer.status !== 200) throw faultOf('Pods cannot be listed', answer);
    pods.push(...listAt(answer.body, 'items').flatMap((item) => readPod(item) ?? []));
    next = textAt(answer.body, 'metadata', 'continue');
    const version = textAt(answer.body, 'metadata', 'resourceVersion');
    if (next === undefined && version !== undefined) return { pods, version };
    if (next === undefined) throw new ClusterFault('unreachable', 'Pods cannot be listed: the list has no version');
  }
  throw new ClusterFault('unreachable', `Pods cannot be listed: ${TRIES} times their list was gone before its end`);
};
