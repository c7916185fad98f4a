/** Our books held against the mint's (NUT-07): which proof is where. */
import type { Curve } from '../curve/operations.ts';
import type { Mint, ProofState } from '../mint.ts';
import type { Balance, OwnProof, ProofStore, Sum } from './proof-store.ts';

/** What the mint says of proofs that our books have in one state. */
export type SumByState = Readonly<Record<ProofState, Sum>>;

export type Reconciliation = Readonly<{
  held: SumByState;
  /** In tokens that were exported; those that the mint calls spent were redeemed, and are `spent` in our books from now on. */
  exported: SumByState;
}>;

export type ReconcileOptions = Readonly<{
  proofs: Pick<ProofStore, 'proofs' | 'find' | 'markSpent'>;
  curve: Curve;
}>;

/** Some mints take no more in one question. */
const MOST_AT_ONCE = 100;

const add = (sums: SumByState, state: ProofState, amount: number): SumByState => ({
  ...sums,
  [state]: { amount: sums[state].amount + amount, count: sums[state].count + 1 },
});

const nothing: SumByState = {
  UNSPENT: { amount: 0, count: 0 },
  PENDING: { amount: 0, count: 0 },
  SPENT: { amount: 0, count: 0 },
};

/** Whether everything that settled payments brought is somewhere. */
export const isComplete = ({
  received,
  uncollected,
  fees,
  melted,
  proofs: { exchanged, ...present },
}: Balance): boolean =>
  [uncollected, fees, melted, ...Object.values(present)].reduce((total, { amount }) => total + amount, 0) ===
  received.amount;

type Answer = Readonly<{ proof: OwnProof; state: ProofState }>;

const idsOf = (found: readonly OwnProof[]): string[] => found.map(({ id }) => id);

const sumUp = (answers: readonly Answer[]): SumByState =>
  answers.reduce((sums, { proof, state }) => add(sums, state, proof.amount), nothing);

export const createReconciler = ({ proofs, curve }: ReconcileOptions) => {
  const ask = async (mint: Mint, page: readonly OwnProof[]): Promise<Answer[]> => {
    const states = await mint.states(await Promise.all(page.map(({ secret }) => curve.hashToCurve(secret))));
    return page.flatMap((proof, index) => {
      const state = states[index];
      return state ? [{ proof, state }] : [];
    });
  };

  const askAll = async (mint: Mint, unit: string, state: 'unspent' | 'reserved'): Promise<readonly Answer[]> => {
    const answers: Answer[] = [];
    let after = '';
    for (;;) {
      const page = await proofs.proofs(mint.url, unit, state, after, MOST_AT_ONCE);
      if (page.length > 0) answers.push(...(await ask(mint, page)));
      after = page.at(-1)?.id ?? '';
      if (page.length < MOST_AT_ONCE) return answers;
    }
  };

  const spentOf = (answers: readonly Answer[]): OwnProof[] =>
    answers.filter(({ state }) => state === 'SPENT').map(({ proof }) => proof);

  /** Those that were exported, and spent by whoever has the token, while we asked are not missing. */
  const withoutTakenMeanwhile = async (answers: readonly Answer[]): Promise<readonly Answer[]> => {
    const now = await proofs.find(idsOf(spentOf(answers)));
    const taken = new Set(idsOf(now.filter(({ state }) => state !== 'unspent')));
    return answers.filter(({ proof }) => !taken.has(proof.id));
  };

  /** Throws where the mint gives no readable answer. */
  return async (mint: Mint, unit: string): Promise<Reconciliation> => {
    const held = await withoutTakenMeanwhile(await askAll(mint, unit, 'unspent'));
    const exported = await askAll(mint, unit, 'reserved');
    await proofs.markSpent(idsOf(spentOf(exported)));
    return { held: sumUp(held), exported: sumUp(exported) };
  };
};
