/** One pod, for calls of the admin API: how pods come about is tested elsewhere. */
import type { PodCallsParts } from '../../src/http/admin/pods.ts';
import type { PodRow } from '../../src/pods/pod-store.ts';

export const podName = 'user-pod-0123456789ab';

const atMs = Date.parse('2026-11-22T00:00:00Z');

const row: PodRow = {
  name: podName,
  template: 'default',
  paymentId: 'pay_1',
  amount: 1_000,
  unit: 'sat',
  stage: 'created',
  rule: 'premium',
  lastsMs: 3_600_000,
  runsMs: 3_600_000,
  wantedAtMs: atMs,
  createdAtMs: atMs + 20,
  expiresAtMs: atMs + 3_600_020,
};

export const playPods = (worksOrThrows: () => void): PodCallsParts => {
  const find = async (name: string): Promise<PodRow | undefined> => {
    worksOrThrows();
    return name === podName ? row : undefined;
  };
  return {
    store: {
      find,
      async list() {
        worksOrThrows();
        return [row];
      },
    },
    end: find,
  };
};
