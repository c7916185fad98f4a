/** The key that tokens may be locked to, for those who read tokens, ask for them and sign them. */
import type { Config } from '../config/config.ts';
import { readLockKey } from '../config/lock-key.ts';
import { Secret } from '../core/secret.ts';
import type { Curve } from '../paywall/curve/operations.ts';
import type { LockKey } from '../paywall/proof.ts';
import { createUnlock, type Unlock } from '../paywall/unlock.ts';

export type AssembledLock = Readonly<{ lockKey: LockKey | undefined; unlock: Unlock }>;

export const assembleLock = ({ lock }: Pick<Config['cashu'], 'lock'>, curve: Curve): AssembledLock => {
  const pair = lock?.private_key instanceof Secret ? readLockKey(lock.private_key.reveal()) : undefined;
  if (!lock || !pair) return { lockKey: undefined, unlock: async (proofs) => proofs };
  const privateKey = new Secret(pair.privateKey);
  return {
    lockKey: { publicKey: pair.publicKey, isRequired: lock.required },
    unlock: createUnlock(curve, () => privateKey.reveal()),
  };
};
