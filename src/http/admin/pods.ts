/** `/api/pods`: what payers have running, and an operator's way to end it. */
import { z } from 'zod';
import { refuse } from '../../core/refusal.ts';
import type { PodRow, PodStore } from '../../pods/pod-store.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { shownPod, showPod } from './pod-shapes.ts';
import { wholeNumber } from './query.ts';
import { schemaNames } from './schema-names.ts';

export type PodCallsParts = Readonly<{
  store: Pick<PodStore, 'find' | 'list'>;
  /** See `PodLife.end`. */
  end(name: string): Promise<PodRow | undefined>;
}>;

const DEFAULT_LIMIT = 100;

const page = z.strictObject({
  all: z.enum(['true', 'false']).optional().describe('`true`: also those that have ended.'),
  limit: wholeNumber(1_000).optional().describe('Most pods to answer with; 100 unless set.'),
  cursor: z.string().max(100).optional().describe('`next_cursor` of the page before.'),
});

const pageOfPods = z
  .object({ pods: z.array(shownPod), next_cursor: z.string().nullable() })
  .register(schemaNames, { id: 'PodPage' });

const podName = { name: 'The name of the pod, `user-pod-…`.' };

const noSuchPod = refuse('not_found', 'There is no pod of this name.');

export const createPodCalls = ({ store, end }: PodCallsParts): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/api/pods',
    operation: 'listPods',
    tag: 'Pods',
    summary: 'List pods that payments started, by name.',
    query: page,
    answers: [{ status: 200, description: 'A page of pods.', shape: pageOfPods }],
    async call({ query: { all, limit = DEFAULT_LIMIT, cursor } }) {
      const rows = await store.list({ alive: all !== 'true', limit, ...(cursor !== undefined && { after: cursor }) });
      const next = rows.length === limit ? rows.at(-1)?.name : undefined;
      return { status: 200, body: { pods: rows.map(showPod), next_cursor: next ?? null } };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/pods/:name',
    operation: 'getPod',
    tag: 'Pods',
    summary: 'One pod, also where it has ended.',
    params: podName,
    answers: [{ status: 200, description: 'The pod.', shape: shownPod }],
    refusals: ['not_found'],
    async call({ param }) {
      const row = await store.find(param('name'));
      return row ? { status: 200, body: showPod(row) } : noSuchPod;
    },
  }),
  endpoint({
    method: 'DELETE',
    path: '/api/pods/:name',
    operation: 'deletePod',
    tag: 'Pods',
    summary: "End a pod and its payer's time; nothing is given back.",
    params: podName,
    answers: [{ status: 200, description: 'The pod as it was.', shape: shownPod }],
    refusals: ['not_found'],
    async call({ param }) {
      const row = await end(param('name'));
      if (!row) return refuse('not_found', 'There is no pod of this name, or it has ended.');
      const { name, paymentId: payment } = row;
      return { status: 200, body: showPod(row), change: { action: 'delete_pod', pod: name, payment } };
    },
  }),
];
