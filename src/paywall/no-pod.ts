/** Why no pod was started, as it is told. */
import { type Refusal, type RefusalCode, refuse } from '../core/refusal.ts';
import type { NoPod } from './ledger.ts';

/** Where nothing says when there will be room. */
const LOOK_AGAIN_MS = 30_000;
const LATEST_MS = 3_600_000;

const reasons: Readonly<Record<NoPod['why'], readonly [RefusalCode, string]>> = {
  cannot_start: ['pods_unavailable', 'No pod can be started now.'],
  all_taken: ['pods_full', 'As many pods run as there may be.'],
  own_taken: ['too_many_pods', 'As many pods run for this payer as there may be.'],
  too_long: ['pod_lifetime_reached', 'The pod would run for longer than a pod may.'],
};

/** An account that was asked has the credit, be it of a token that came just now. */
const whatIsLeft = ({ why, balance }: NoPod): string => {
  const when = why === 'too_long' ? 'when it has ended' : 'later';
  return balance === undefined
    ? `The token was not touched: send it again ${when}.`
    : `What was paid stays credit: send the same request again ${when}.`;
};

const secondsUntil = (freeAtMs: number | undefined, nowMs: number): number => {
  const inMs = freeAtMs === undefined ? LOOK_AGAIN_MS : Math.min(Math.max(freeAtMs - nowMs, 1_000), LATEST_MS);
  return Math.ceil(inMs / 1_000);
};

export const refuseNoPod = (noPod: NoPod, nowMs: number): Refusal => {
  const { why, freeAtMs } = noPod;
  const [code, reason] = reasons[why];
  const detail = `${reason} ${whatIsLeft(noPod)}`;
  if (why === 'too_long') return refuse(code, detail);
  return refuse(code, detail, { headers: { 'Retry-After': String(secondsUntil(freeAtMs, nowMs)) } });
};
