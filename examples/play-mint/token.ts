import { getEncodedToken, type Proof, stripDleq } from '@cashu/cashu-ts';

export type TokenOptions = Readonly<{
  /** `cashuB…` (CBOR, NUT-00 V4), or the deprecated `cashuA…` (JSON, V3), which wallets still send. */
  version?: 3 | 4;
  /** Whether the coins carry their DLEQ proofs. */
  dleq?: boolean;
  memo?: string;
  /** Another mint's URL than the one that signed, as a cheat would write it. */
  mint?: string;
}>;

type Payment = Readonly<{ mint: string; unit: string; proofs: readonly Proof[] }>;

export function encodeToken({ mint, unit, proofs }: Payment, options: TokenOptions = {}): string {
  const { version = 4, dleq = true, memo, mint: named = mint } = options;
  const token = { mint: named, unit, proofs: dleq ? [...proofs] : stripDleq([...proofs]), ...(memo && { memo }) };
  return version === 4 ? getEncodedToken(token) : encodeV3(token);
}

/** cashu-ts reads V3 but no longer writes it. */
function encodeV3({ mint, unit, proofs, memo }: Payment & { memo?: string }): string {
  const coins = proofs.map((proof) => ({ ...proof, amount: proof.amount.toNumber() }));
  const json = JSON.stringify({ token: [{ mint, proofs: coins }], unit, ...(memo && { memo }) });
  return `cashuA${Buffer.from(json).toString('base64url')}`;
}
