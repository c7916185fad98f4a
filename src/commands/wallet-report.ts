/** Balances in words, for people. */
import type { Balance, Sum } from '../paywall/wallet/proof-store.ts';
import { isComplete, type Reconciliation, type SumByState } from '../paywall/wallet/reconcile.ts';

/** `checked` is left out where the mint was not asked; a text says why it gave no answer. */
export type Report = Readonly<{ balance: Balance; checked?: Reconciliation | string }>;

const counted = ({ amount, count }: Sum): string => `${String(amount).padStart(12)}   ${count}`;

const line = (name: string, sum: Sum, meaning: string): string =>
  `  ${name.padEnd(16)}${counted(sum).padEnd(24)}${meaning}`;

const isSomewhere = ({ count }: Sum): boolean => count > 0;

const saying = (sums: SumByState): string =>
  (['UNSPENT', 'PENDING', 'SPENT'] as const)
    .filter((state) => isSomewhere(sums[state]))
    .map((state) => `${sums[state].amount} ${state.toLowerCase()}`)
    .join(', ') || 'nothing';

/** What somebody must look into; empty where all is well. */
export const faultsOf = ({ balance, checked }: Report): string[] => {
  const { mint, unit, proofs, refused } = balance;
  const faults: string[] = [];
  if (!isComplete(balance)) {
    faults.push(`the books do not add up: ${balance.received.amount} ${unit} came in, and not all of it is anywhere`);
  }
  if (isSomewhere(proofs.bad)) {
    faults.push(`${mint} signed ${proofs.bad.amount} ${unit} wrongly: that is lost, and it is the mint's fault`);
  }
  if (isSomewhere(proofs.lost)) {
    faults.push(`${proofs.lost.amount} ${unit} of ours were spent at ${mint} by somebody else: they are lost`);
  }
  if (isSomewhere(refused)) {
    faults.push(`${mint} refuses ${refused.amount} ${unit} that were accepted without asking it: it is asked again`);
  }
  if (typeof checked === 'string') faults.push(`${mint} could not be asked: ${checked}`);
  if (typeof checked === 'object' && isSomewhere(checked.held.SPENT)) {
    faults.push(
      `${checked.held.SPENT.amount} ${unit} that the books hold are spent at ${mint}: ` +
        'somebody has a copy of the database, or the mint is wrong',
    );
  }
  return faults;
};

export const describe = (report: Report): string[] => {
  const { balance, checked } = report;
  const { mint, unit, proofs, uncollected, fees, melted, inFlight, unsettled, refused, owed } = balance;
  return [
    `${mint}, in ${unit}`,
    line('held', proofs.unspent, 'proofs that can be exported'),
    line('exported', proofs.reserved, 'proofs in tokens that were given out'),
    line('spent', proofs.spent, 'proofs of such tokens that were redeemed'),
    line('under way', proofs.pending, 'proofs that the mint is to exchange'),
    line('melted', melted, 'what was paid by Lightning'),
    line('fees', fees, 'what the mint kept of exchanges and payments'),
    line('bad', proofs.bad, 'proofs that the mint signed wrongly'),
    line('lost', proofs.lost, 'proofs that somebody else has spent'),
    line('to collect', uncollected, 'payments whose signatures the running service makes proofs of'),
    line('unsettled', unsettled, 'locked to us, accepted without asking the mint, and not swapped yet'),
    line('refused', refused, 'the same where the mint refuses the swap'),
    line('in flight', inFlight, 'payments that the mint has not answered for certain'),
    `  ${'owed'.padEnd(16)}${String(owed).padStart(12)}${' '.repeat(12)}credit that payers have left, and refunds due`,
    ...(typeof checked === 'object'
      ? [`  the mint says    held: ${saying(checked.held)}; exported: ${saying(checked.exported)}`]
      : []),
    ...faultsOf(report).map((fault) => `  ATTENTION        ${fault}`),
  ];
};

export const toJson = (report: Report) => {
  const { balance, checked } = report;
  const { mint, unit, received, uncollected, proofs, fees, melted, inFlight, unsettled, refused, owed } = balance;
  return {
    mint,
    unit,
    received: received.amount,
    held: proofs.unspent.amount,
    exported: proofs.reserved.amount,
    spent: proofs.spent.amount,
    under_way: proofs.pending.amount,
    fees: fees.amount,
    melted: melted.amount,
    bad: proofs.bad.amount,
    lost: proofs.lost.amount,
    to_collect: uncollected.amount,
    unsettled: unsettled.amount,
    refused: refused.amount,
    in_flight: inFlight.amount,
    owed,
    ...(typeof checked === 'object' && { mint_says: checked }),
    faults: faultsOf(report),
  };
};
