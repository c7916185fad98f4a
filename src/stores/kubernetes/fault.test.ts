import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterFaultKind } from '../../core/cluster-fault.ts';
import { faultOf } from './fault.ts';

const forbidden = (message: string, causes: readonly object[] = []) => ({
  status: 403,
  body: { kind: 'Status', reason: 'Forbidden', message, details: { causes } },
});

const answers: readonly (readonly [kind: ClusterFaultKind, answer: Readonly<{ status: number; body?: unknown }>])[] = [
  ['no_room', forbidden('pods "a" is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5')],
  ['unreachable', forbidden('pods "a" is forbidden: status unknown for quota: q, resources: pods')],
  ['forbidden', forbidden('pods "a" is forbidden: violates PodSecurity "restricted:latest": host namespaces')],
  ['forbidden', forbidden('pods is forbidden: User "x" cannot create resource "pods"')],
  ['forbidden', { status: 403 }],
  [
    'refused',
    forbidden('pods "a" is forbidden: unable to create new content in namespace n because it is being terminated', [
      { reason: 'NamespaceTerminating', message: 'namespace n is being terminated', field: 'metadata.namespace' },
    ]),
  ],
  ['forbidden', { status: 401 }],
  ['refused', { status: 400 }],
  ['refused', { status: 404 }],
  ['refused', { status: 413 }],
  ['refused', { status: 422 }],
  ['unreachable', { status: 408 }],
  ['unreachable', { status: 409, body: { reason: 'Conflict' } }],
  ['unreachable', { status: 429 }],
  ['unreachable', { status: 500 }],
  ['unreachable', { status: 503 }],
  ['unreachable', { status: 504 }],
  ['unreachable', { status: 307 }],
];

for (const [kind, { status, body }] of answers) {
  test(`${status} ${JSON.stringify(body) ?? ''} is ${kind}`, () => {
    assert.equal(faultOf('A pod cannot be created', { status, body }).kind, kind);
  });
}

test('a fault says what was tried, what the API server says, and when to come again', () => {
  const fault = faultOf('Pod a cannot be created', {
    status: 429,
    body: { message: 'slow down' },
    retryAfterMs: 3_000,
  });
  assert.equal(fault.message, 'Pod a cannot be created: the API server answers 429: slow down');
  assert.equal(fault.retryAfterMs, 3_000);
  assert.ok(faultOf('x', { status: 422, body: { message: 'y'.repeat(10_000) } }).message.length < 1_000);
});
