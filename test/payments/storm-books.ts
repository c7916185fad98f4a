/** After a storm: the payers' book, the mint's and ours, which must agree to the sat. */
import assert from 'node:assert/strict';
import { Amount, OutputData, type Proof, type SerializedOutputData } from '@cashu/cashu-ts';
import { claimsOf } from '../../src/paywall/claim.ts';
import type { Ledger } from '../../src/paywall/ledger.ts';
import type { BlindSignature } from '../../src/paywall/mint.ts';
import { createSealer, type Sealer } from '../../src/paywall/seal.ts';
import { wire } from '../peers/purse.ts';
import type { Aftermath, Gift, StormStore } from './storm.ts';
import { AMOUNT, type StormMint } from './storm-mints.ts';

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

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
    case 'no_pod':
      assert.fail(`${standing.standing} in the end`);
  }
};

type Row = Readonly<Record<string, unknown>>;

/** What was asked for by one swap. */
const outputsOf = (row: Row, { open }: Sealer): SerializedOutputData[] =>
  JSON.parse(open(String(row['outputs']), { paymentId: String(row['id']), column: 'outputs' }));

/** The proofs that we hold, from what the ledger keeps sealed. */
const earnedOf = async (settled: readonly Row[], mint: StormMint, sealer: Sealer): Promise<Proof[]> => {
  const earned: Proof[] = [];
  for (const row of settled) {
    const place = { paymentId: String(row['id']), column: 'signatures' } as const;
    const signatures: BlindSignature[] = JSON.parse(sealer.open(String(row['signatures']), place));
    const outputs = outputsOf(row, sealer);
    assert.equal(signatures.length, outputs.length);
    for (const [index, { amount, id, C_ }] of signatures.entries()) {
      const keyset = { id, keys: await mint.keysOf(id) };
      const output = outputs[index] ?? assert.fail();
      earned.push(OutputData.deserialize(output).toProof({ amount: Amount.from(amount), id, C_ }, keyset));
    }
  }
  return earned;
};

const swapsSql = `SELECT payments.id, state, signatures, outputs, fee, credit, swaps.number = swap_number AS is_signed
  FROM swaps JOIN payments ON payments.id = swaps.payment_id`;

/** Throws where the books differ; gives what they say, in sat. */
export const balanceBooks = async (
  { open, query }: StormStore,
  mint: StormMint,
  { gifts, key, nowMs }: Aftermath,
): Promise<Record<Fate, number>> => {
  const { ledger, close } = await open();
  const sums: Record<Fate, number> = { settled: 0, elsewhere: 0, untouched: 0 };
  try {
    for (const gift of gifts) sums[await fateOf(ledger, mint.url, gift, nowMs)] += AMOUNT;
  } finally {
    await close();
  }

  assert.equal(sums.settled + sums.elsewhere, mint.spentAmount(), 'the mint saw nothing else');
  const sealer = createSealer(key);
  const swaps = await query(swapsSql);
  for (const swap of swaps) {
    const isOurs = swap['state'] === 'settled' && Boolean(swap['is_signed']);
    for (const { blindedMessage } of outputsOf(swap, sealer)) {
      const message = { ...blindedMessage, amount: Number(blindedMessage.amount) };
      assert.equal(mint.hasSigned(message), isOurs, 'it signed what is settled, and nothing else of ours');
    }
  }

  const settled = swaps.filter(({ state }) => state === 'settled');
  const [counted] = await query(
    `SELECT COUNT(*) AS count FROM credits JOIN payments ON payments.id = payment_id WHERE state = 'settled'`,
  );
  assert.equal(Number(counted?.['count']), settled.length, 'what is settled has its credit');
  assert.equal(sumOf(settled.map(({ credit }) => Number(credit))), sums.settled, 'each was credited once');

  const earned = await earnedOf(settled, mint, sealer);
  const fees = sumOf(settled.map(({ fee }) => Number(fee)));
  const sum = sumOf(earned.map(({ amount }) => amount.toNumber()));
  assert.equal(sum, sums.settled - fees, 'we hold all that the mint signed for us');
  const [held] = await query(`SELECT COUNT(*) AS count, SUM(amount) AS sum FROM proofs WHERE state = 'unspent'`);
  assert.deepEqual([Number(held?.['count']), Number(held?.['sum'])], [earned.length, sum], 'each is collected, once');
  await mint.spend(earned); // and it is real
  return sums;
};
