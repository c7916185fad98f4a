/** Taking objects away: only ours, and only the very one that was looked at. */
import { ClusterFault } from '../../core/cluster-fault.ts';
import type { Connection } from './connection.ts';
import { faultOf } from './fault.ts';
import { textAt } from './json.ts';
import { isBeingDeleted, isOurs } from './seen-pod.ts';

const TRIES = 3;

type Outcome = 'deleted' | 'absent' | 'another';

const deleteOnce = async (connection: Connection, path: string, signal: AbortSignal): Promise<Outcome> => {
  const what = `${path} cannot be deleted`;
  const found = await connection.call('GET', path, { signal });
  if (found.status === 404) return 'absent';
  if (found.status !== 200) throw faultOf(what, found);
  if (!isOurs(found.body)) return 'absent';
  if (isBeingDeleted(found.body)) return 'deleted';
  const preconditions = { uid: textAt(found.body, 'metadata', 'uid') };
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
  const answer = await connection.call('DELETE', path, { body, signal });
  if (answer.status === 200 || answer.status === 202) return 'deleted';
  if (answer.status === 404) return 'absent';
  if (answer.status === 409) return 'another';
  throw faultOf(what, answer);
};

/** `path`: of the object. */
export const deleteObject = async (
  connection: Connection,
  path: string,
  signal: AbortSignal,
): Promise<'deleted' | 'absent'> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const outcome = await deleteOnce(connection, path, signal);
    if (outcome !== 'another') return outcome;
  }
  throw new ClusterFault('unreachable', `${path} cannot be deleted: each time it was another one already`);
};
