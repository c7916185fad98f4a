/** Making objects: the second time finds what the first has made, whether its answer came back or not. */
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ClusterFault } from '../../core/cluster-fault.ts';
import type { Creation, Manifest } from '../../pods/cluster.ts';
import type { Answer, Connection } from './connection.ts';
import { faultOf } from './fault.ts';
import { at, textAt } from './json.ts';
import { isBeingDeleted, isOurs, paymentOf } from './seen-pod.ts';

/** Of racing creations all but one may hear that the quota was counted anew meanwhile. */
const CONFLICTS = 4;
const LONGEST_PAUSE_MS = 100;

/** An unknown field of a template is an error, not a container that lacks something. */
const strict = { fieldValidation: 'Strict' };

const isTaken = ({ status, body }: Answer): boolean => status === 409 && at(body, 'reason') === 'AlreadyExists';

/** `collection`: the path that objects are posted to. */
export const createObject = async (
  connection: Connection,
  collection: string,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<Creation> => {
  const name = textAt(manifest, 'metadata', 'name') ?? '';
  const what = `${textAt(manifest, 'kind') ?? 'An object'} ${name} cannot be created`;

  const existing = async (): Promise<Creation | undefined> => {
    const answer = await connection.call('GET', `${collection}/${encodeURIComponent(name)}`, { signal });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw faultOf(what, answer);
    if (!isOurs(answer.body) || paymentOf(answer.body) !== paymentOf(manifest)) return 'foreign';
    if (!isBeingDeleted(answer.body)) return 'found';
    throw new ClusterFault('unreachable', `${what}: the one of before is still being deleted`, { retryAfterMs: 1000 });
  };

  let answer: Answer | undefined;
  for (let tries = 0; tries < CONFLICTS; tries++) {
    answer = await connection.call('POST', collection, { query: strict, body: manifest, signal });
    if (answer.status === 201) return 'created';
    if (answer.status !== 409) break;
    const creation = isTaken(answer) ? await existing() : undefined;
    if (creation) return creation;
    // A signal in the middle of it is the end of the next call.
    await pause(randomInt(LONGEST_PAUSE_MS), undefined, { signal }).catch(() => undefined);
  }
  throw answer ? faultOf(what, answer) : new ClusterFault('unreachable', what);
};

/** Resolves where the API server would take it. */
export const tryObject = async (
  connection: Connection,
  collection: string,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> => {
  const answer = await connection.call('POST', collection, {
    query: { ...strict, dryRun: 'All' },
    body: manifest,
    signal,
  });
  // Where the name is taken, everything else has been looked at before.
  if (answer.status !== 201 && !isTaken(answer)) throw faultOf('A pod would not be created', answer);
};
