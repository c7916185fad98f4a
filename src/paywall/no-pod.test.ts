import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NoPod } from './ledger.ts';
import { refuseNoPod } from './no-pod.ts';

const NOW_MS = 1_700_000_000_000;

for (const [noPod, code, retryAfter, says] of [
  [{ why: 'cannot_start' }, 'pods_unavailable', '30', /not touched: send it again later/],
  [{ why: 'all_taken' }, 'pods_full', '30', /not touched/],
  [{ why: 'all_taken', freeAtMs: NOW_MS + 90_500 }, 'pods_full', '91', /not touched/],
  [{ why: 'all_taken', freeAtMs: NOW_MS - 90_000 }, 'pods_full', '1', /not touched/],
  [{ why: 'own_taken', freeAtMs: NOW_MS + 86_400_000 }, 'too_many_pods', '3600', /not touched/],
  [{ why: 'all_taken', balance: 8 }, 'pods_full', '30', /stays credit: send the same request again later/],
  [{ why: 'too_long' }, 'pod_lifetime_reached', undefined, /not touched: send it again when it has ended/],
] satisfies [Omit<NoPod, 'standing'>, string, string | undefined, RegExp][]) {
  test(`no pod: ${JSON.stringify(noPod)} → ${code}, to be asked again after ${retryAfter} s`, () => {
    const refusal = refuseNoPod({ standing: 'no_pod', ...noPod }, NOW_MS);
    assert.deepEqual([refusal.code, refusal.headers?.['Retry-After']], [code, retryAfter]);
    assert.match(refusal.detail, says);
  });
}
