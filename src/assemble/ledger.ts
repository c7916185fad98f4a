/** The ledger and our proofs as payments use them: sealed with the keys of the configuration. */
import type { Config } from '../config/config.ts';
import { readEncryptionKey } from '../config/encryption-key.ts';
import { Secret } from '../core/secret.ts';
import type { DeferredLedger } from '../paywall/deferred/deferred-ledger.ts';
import { createSealedDeferredLedger } from '../paywall/deferred/sealed-deferred-ledger.ts';
import type { Ledger } from '../paywall/ledger.ts';
import { createSealer, type Sealer } from '../paywall/seal.ts';
import { createSealedLedger } from '../paywall/sealed-ledger.ts';
import type { ProofStore } from '../paywall/wallet/proof-store.ts';
import type { RefundStore } from '../paywall/wallet/refund-store.ts';
import { createSealedProofStore } from '../paywall/wallet/sealed-proof-store.ts';
import { createSealedSpendStore } from '../paywall/wallet/sealed-spend-store.ts';
import type { SpendStore } from '../paywall/wallet/spend-store.ts';

export type LedgerStores = Readonly<{
  ledger: Ledger;
  proofs: ProofStore;
  spends: SpendStore;
  refunds: RefundStore;
  deferred: DeferredLedger;
}>;

const bytesOf = (key: unknown): Buffer[] => {
  const bytes = key instanceof Secret ? readEncryptionKey(key.reveal()) : undefined;
  return bytes ? [bytes] : [];
};

export const createConfiguredSealer = ({ cashu }: Pick<Config, 'cashu'>): Sealer => {
  const [current] = bytesOf(cashu.encryption_key);
  return createSealer(current, cashu.former_encryption_keys.flatMap(bytesOf));
};

/** Throws where the ledger holds what no configured key opens; nothing is changed then. */
export const assembleLedger = async (
  { cashu }: Pick<Config, 'cashu'>,
  { ledger, proofs, spends, refunds, deferred }: LedgerStores,
  onUnsealed: () => void,
): Promise<LedgerStores> => {
  const sealer = createConfiguredSealer({ cashu });
  const missing = await ledger.noteKeys(sealer.currentKeyId, sealer.keyIds);
  if (missing.length > 0) {
    throw new Error(
      `the ledger holds payments that were sealed with ${missing.length === 1 ? 'the key' : 'the keys'} ` +
        `${missing.join(', ')}, which is neither cashu.encryption_key${sealer.currentKeyId ? ` (${sealer.currentKeyId})` : ''} ` +
        'nor among cashu.former_encryption_keys. Nothing was changed. Name the key that sealed them again',
    );
  }
  if (!sealer.currentKeyId) onUnsealed();
  return {
    ledger: createSealedLedger(ledger, sealer),
    proofs: createSealedProofStore(proofs, sealer),
    spends: createSealedSpendStore(spends, sealer),
    deferred: createSealedDeferredLedger(deferred, sealer),
    refunds,
  };
};
