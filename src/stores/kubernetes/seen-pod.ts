/** The little of a pod that is needed: whole objects are ten times as large, and a thousand of them may be alive. */
import { podAnnotations, podLabels } from '../../core/pod-marks.ts';
import type { SeenPod } from '../../pods/cluster.ts';
import { at, listAt, textAt } from './json.ts';

const phases: readonly SeenPod['phase'][] = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'];

const isReady = (object: unknown): boolean =>
  listAt(object, 'status', 'conditions').some(
    (condition) => at(condition, 'type') === 'Ready' && at(condition, 'status') === 'True',
  );

/** Undefined where it has no name. */
export const readPod = (object: unknown): SeenPod | undefined => {
  const [name, uid] = [textAt(object, 'metadata', 'name'), textAt(object, 'metadata', 'uid')];
  if (name === undefined || uid === undefined) return undefined;
  const ip = textAt(object, 'status', 'podIP');
  const paymentId = textAt(object, 'metadata', 'annotations', podAnnotations.payment);
  const expiresAtMs = Date.parse(textAt(object, 'metadata', 'annotations', podAnnotations.expires) ?? '');
  return {
    name,
    uid,
    phase: phases.find((phase) => phase === at(object, 'status', 'phase')) ?? 'Unknown',
    isReady: isReady(object),
    isBeingDeleted: isBeingDeleted(object),
    ...(ip !== undefined && { ip }),
    ...(paymentId !== undefined && { paymentId }),
    ...(Number.isFinite(expiresAtMs) && { expiresAtMs }),
  };
};

export const isBeingDeleted = (object: unknown): boolean =>
  textAt(object, 'metadata', 'deletionTimestamp') !== undefined;

/** Whoever else puts pods into the namespace does not lose them to us. */
export const isOurs = (object: unknown): boolean =>
  Object.entries(podLabels).every(([label, value]) => at(object, 'metadata', 'labels', label) === value);

export const paymentOf = (object: unknown): string | undefined =>
  textAt(object, 'metadata', 'annotations', podAnnotations.payment);
