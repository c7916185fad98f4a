/** Why no pod was started, as it is told. Nothing was taken from a token or a credit then. */
import { type Refusal, type RefusalCode, refuse } from '../core/refusal.ts';
import type { NoPod } from './ledger.ts';

const untouched = 'Nothing was taken: send the same request again later.';

/** Where nothing says when there will be room. */
const LOOK_AGAIN_MS = 30_000;
const LATEST_MS = 3_600_000;

const texts: Readonly<Record<NoPod['why'], readonly [RefusalCode, string]>> = {
  cannot_start: ['pods_unavailable', `No pod can be started now. ${untouched}`],
  all_taken: ['pods_full', `As many pods run as there may be. ${untouched}`],
  own_taken: ['too_many_pods', `As many pods run for this payer as there may be. ${untouched}`],
  too_long: ['pod_lifetime_reached', 'A pod cannot run for so long. Nothing was taken: pay again when it has ended.'],
};

const secondsUntil = (freeAtMs: number | undefined, nowMs: number): number => {
  const inMs = freeAtMs === undefined ? LOOK_AGAIN_MS : Math.min(Math.max(freeAtMs - nowMs, 1_000), LATEST_MS);
  return Math.ceil(inMs / 1_000);
};

export const refuseNoPod = ({ why, freeAtMs }: NoPod, nowMs: number): Refusal => {
  const [code, detail] = texts[why];
  if (why === 'too_long') return refuse(code, detail);
  return refuse(code, detail, { headers: { 'Retry-After': String(secondsUntil(freeAtMs, nowMs)) } });
};
