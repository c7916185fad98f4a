/** After a storm: the payers' book, the mint's and ours, which must agree to the sat. */
import assert from 'node:assert/strict';
import { Amount, OutputData, type Proof, type SerializedOutputData } from '@cashu/cashu-ts';
import { claimsOf } from '../../src/paywall/claim.ts';
import type { Ledger } from '../../src/paywall/ledger.ts';
import type { BlindSignature } from '../../src/paywall/mint.ts';
import { createSealer } from '../../src/paywall/seal.ts';
import { activeKeyset, blank, wire } from '../peers/purse.ts';
import { type Aftermath, AMOUNT, type Gift, type StormStore } from './storm.ts';

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** An amount in coins of 1, 2, 4, … */
const split = (amount: number): number[] =>
  [...amount.toString(2)].reverse().flatMap((digit, power) => (digit === '1' ? [2 ** power] : []));

type Fate = 'settled' | 'elsewhere' | 'untouched';

const fateOf = async (
  ledger: Ledger,
  mint: string,
  { proofs, spentElsewhere, paid }: Gift,
  nowMs: number,
): Promise<Fate> => {
  const inputs = proofs.map(wire).map(({ id, amount, secret, C }) => ({ id, amount, secret, C }));
  const claims = claimsOf({ mint, proofs: inputs });
  const debit = { rule: 'premium', amount: AMOUNT, unit: 'sat', buys: { requests: 1 }, nowMs };
  const standing = await ledger.present(claims, debit, false);
  switch (standing.standing) {
    case 'debited':
      assert.deepEqual([paid, spentElsewhere], [0, false], 'nobody was told that it paid: its credit is whole');
      return 'settled';
    case 'exhausted':
      assert.deepEqual([paid <= 1, spentElsewhere, standing.balance], [true, false, 0], 'it opened once');
      return 'settled';
    case 'rejected':
      assert.deepEqual([paid, spentElsewhere], [0, true], 'only what was spent elsewhere is rejected');
      return 'elsewhere';
    case 'unknown':
      assert.equal(paid, 0);
      return spentElsewhere ? 'elsewhere' : 'untouched';
    case 'prepared':
    case 'overlap':
      assert.fail(`${standing.standing} in the end`);
  }
};

/** The proofs that we hold, from what the ledger keeps sealed. */
const earnedOf = (settled: readonly Record<string, unknown>[], { mint, key }: Aftermath): Proof[] => {
  const { open } = createSealer(key);
  const keysOf = (id: string) => mint.mint.keysets().find(({ keyset }) => keyset.id === id)?.keyset.publicKeys ?? {};
  return settled.flatMap((row) => {
    const paymentId = String(row['id']);
    const signatures: BlindSignature[] = JSON.parse(
      open(String(row['signatures']), { paymentId, column: 'signatures' }),
    );
    const outputs: SerializedOutputData[] = JSON.parse(open(String(row['outputs']), { paymentId, column: 'outputs' }));
    assert.equal(signatures.length, outputs.length);
    return signatures.flatMap(({ amount, id, C_ }, index) => {
      const output = outputs[index];
      return output
        ? [OutputData.deserialize(output).toProof({ amount: Amount.from(amount), id, C_ }, { id, keys: keysOf(id) })]
        : [];
    });
  });
};

/** Throws where the books differ; gives what they say, in sat. */
export const balanceBooks = async (
  { open, query }: StormStore,
  aftermath: Aftermath,
): Promise<Record<Fate, number>> => {
  const { mint, gifts, nowMs } = aftermath;
  const { ledger, close } = await open();
  const sums: Record<Fate, number> = { settled: 0, elsewhere: 0, untouched: 0 };
  try {
    for (const gift of gifts) sums[await fateOf(ledger, mint.url, gift, nowMs)] += AMOUNT;
  } finally {
    await close();
  }

  assert.equal(sums.settled + sums.elsewhere, mint.spentAmount(), 'the mint saw nothing else');
  const settled = await query(
    `SELECT payments.id, payments.signatures, swaps.outputs, swaps.fee, swaps.credit FROM payments
      JOIN swaps ON swaps.payment_id = payments.id AND swaps.number = payments.swap_number
      JOIN credits ON credits.payment_id = payments.id WHERE payments.state = 'settled'`,
  );
  const [states] = await query(`SELECT COUNT(*) AS count FROM payments WHERE state = 'settled'`);
  assert.equal(Number(states?.['count']), settled.length, 'what is settled has its credit');
  assert.equal(sumOf(settled.map(({ credit }) => Number(credit))), sums.settled, 'each was credited once');

  const earned = earnedOf(settled, aftermath);
  const sum = sumOf(earned.map(({ amount }) => amount.toNumber()));
  assert.equal(
    sum,
    sums.settled - sumOf(settled.map(({ fee }) => Number(fee))),
    'we hold all that the mint signed for us',
  );
  const fee = Math.ceil(earned.length / 10);
  mint.mint.swap(earned.map(wire), blank(activeKeyset(mint.mint), split(sum - fee)).outputs); // and it is real
  return sums;
};
