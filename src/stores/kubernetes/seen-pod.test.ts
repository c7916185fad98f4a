import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { podAnnotations, podLabels } from '../../core/pod-marks.ts';
import { isOurs, readPod } from './seen-pod.ts';

const pod = {
  metadata: {
    name: 'user-pod-1',
    uid: 'u-1',
    labels: { ...podLabels, more: 'yes' },
    annotations: { [podAnnotations.payment]: 'c0ffee', [podAnnotations.expires]: '2030-01-01T00:00:00.000Z' },
  },
  spec: { containers: [{ name: 'workload' }] },
  status: { phase: 'Running', podIP: '10.1.2.3', conditions: [{ type: 'Ready', status: 'True' }] },
};

test('of a pod the little is read that is needed', () => {
  assert.deepEqual(readPod(pod), {
    name: 'user-pod-1',
    uid: 'u-1',
    phase: 'Running',
    isReady: true,
    isBeingDeleted: false,
    ip: '10.1.2.3',
    paymentId: 'c0ffee',
    expiresAtMs: Date.UTC(2030, 0, 1),
  });
});

const without = (more: object) => ({ ...pod, metadata: { ...pod.metadata, ...more } });

test('annotations that say nothing sensible are left out', () => {
  const seen = readPod(without({ annotations: { [podAnnotations.expires]: 'tomorrow', [podAnnotations.payment]: 7 } }));
  assert.deepEqual([seen?.paymentId, seen?.expiresAtMs], [undefined, undefined]);
});

test('a pod that is being deleted, or of an unknown phase, is said to be so', () => {
  assert.equal(readPod(without({ deletionTimestamp: '2026-01-01T00:00:00Z' }))?.isBeingDeleted, true);
  assert.equal(readPod({ ...pod, status: { phase: 'Dreaming' } })?.phase, 'Unknown');
});

test('only what has every one of our labels is ours', () => {
  assert.ok(isOurs(pod));
  for (const label of Object.keys(podLabels)) assert.ok(!isOurs(without({ labels: { ...podLabels, [label]: 'no' } })));
  assert.ok(!isOurs({}));
});

test('whatever is sent, reading does not throw', () => {
  const parts = fc.record({ metadata: fc.jsonValue(), status: fc.jsonValue() }, { requiredKeys: [] });
  fc.assert(fc.property(fc.oneof(fc.jsonValue(), parts), (value) => void [readPod(value), isOurs(value)]));
});
