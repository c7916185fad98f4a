/** Why a key may not be used now. Asked at every use: what is cached is no older for it. */
import { perObject } from '../core/per-object.ts';
import { type IpRange, isInRange, parseIpRange } from './ip-range.ts';
import type { KeyRecord } from './key-store.ts';

/** `replaced`: the secret was replaced by a rotation, and the overlap is over. */
export type KeyProblem = 'revoked' | 'replaced' | 'disabled' | 'expired' | 'wrong_source';

/** A range that cannot be read, which no call writes, lets nobody in. */
const rangesOf = perObject(({ allowedIps }: KeyRecord): readonly IpRange[] =>
  allowedIps.map(parseIpRange).filter((range) => range !== undefined),
);

const isOver = (endMs: number | undefined, now: () => number): boolean => endMs !== undefined && now() >= endMs;

/** `clientIp` is empty where it is not known: a key that is bound to addresses is not good from there. */
export const keyProblem = (record: KeyRecord, clientIp: string, now: () => number): KeyProblem | undefined => {
  if (record.revokedAt !== undefined) return 'revoked';
  if (isOver(record.replacedUntil, now)) return 'replaced';
  if (record.disabledAt !== undefined) return 'disabled';
  if (isOver(record.expiresAt, now)) return 'expired';
  if (record.allowedIps.length > 0 && !isInRange(clientIp, rangesOf(record))) return 'wrong_source';
  return undefined;
};
