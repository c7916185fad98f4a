import { Amount, getSecretKind, isHTLCSpendAuthorised, isP2PKSpendAuthorised, type Proof } from '@cashu/cashu-ts';
import { MintError } from './errors.ts';
import type { Input } from './wire.ts';

/** A secret that is not of NUT-10's form carries no condition. */
function kindOf(secret: string): string | undefined {
  try {
    return getSecretKind(secret);
  } catch {
    return undefined;
  }
}

function authorised(proof: Proof): boolean {
  try {
    const kind = kindOf(proof.secret);
    if (kind === 'P2PK') return isP2PKSpendAuthorised(proof);
    if (kind === 'HTLC') return isHTLCSpendAuthorised(proof);
    return true;
  } catch {
    return false; // SIG_ALL, which this mint does not offer, or a malformed witness
  }
}

/** Throws unless the lock of the proof, if it has one (NUT-11, NUT-14), is opened by its witness. */
export function checkConditions({ witness, ...coin }: Input): void {
  if (!authorised({ ...coin, amount: Amount.from(coin.amount), ...(witness ? { witness } : {}) })) {
    throw new MintError('transaction', 'the spending conditions of a proof are not met');
  }
}
