/** Where every unit of money is, by mint and unit. */
import type { Balance, OwnProofState, Sum } from '../../paywall/wallet/proof-store.ts';
import { integer, type Row, type Transaction, text } from './transaction.ts';

const none: Sum = { amount: 0, count: 0 };

const settledSql = `SELECT payments.mint, payments.unit, CASE WHEN collected_at IS NULL THEN 0 ELSE 1 END AS collected,
    SUM(payments.amount - swaps.fee) AS amount, COUNT(*) AS count
  FROM payments JOIN swaps ON swaps.payment_id = payments.id AND swaps.number = payments.swap_number
  WHERE state = 'settled' GROUP BY payments.mint, payments.unit, collected`;

const proofsSql =
  'SELECT mint, unit, state, SUM(amount) AS amount, COUNT(*) AS count FROM proofs GROUP BY mint, unit, state';

const inFlightSql = `SELECT mint, unit, SUM(amount) AS amount, COUNT(*) AS count FROM payments
  WHERE state = 'prepared' AND account_id IS NOT NULL GROUP BY mint, unit`;

const unsettledSql = `SELECT mint, unit, CASE WHEN refused_at IS NULL THEN 0 ELSE 1 END AS refused,
    SUM(amount) AS amount, COUNT(*) AS count
  FROM unsettled GROUP BY mint, unit, refused`;

const owedSql = `SELECT mint, unit, SUM(balance) AS amount, COUNT(*) AS count FROM credits
  JOIN payments ON payments.id = credits.payment_id GROUP BY mint, unit
  UNION ALL SELECT mint, unit, SUM(amount) AS amount, COUNT(*) AS count FROM refunds
  WHERE NOT EXISTS (SELECT 1 FROM exports WHERE exports.id = refunds.export_id) GROUP BY mint, unit`;

const feesSql = `SELECT mint, unit, SUM(fee) AS amount, COUNT(*) AS count FROM spends
  WHERE state = 'settled' GROUP BY mint, unit`;

const meltedSql = `SELECT mint, unit, SUM(amount) AS amount, COUNT(*) AS count FROM spends
  WHERE kind = 'melt' AND state = 'settled' GROUP BY mint, unit`;

type Found = Readonly<{ key: string; sum: Sum; row: Row }>;

export const balances = async (transaction: Transaction): Promise<readonly Balance[]> => {
  const sums = async (sql: string): Promise<Found[]> =>
    (await transaction.all(sql, [])).map((row) => ({
      key: `${text(row, 'mint')}\n${text(row, 'unit')}`,
      sum: { amount: integer(row, 'amount'), count: integer(row, 'count') },
      row,
    }));
  const settled = await sums(settledSql);
  const proofs = await sums(proofsSql);
  const inFlight = await sums(inFlightSql);
  const owed = await sums(owedSql);
  const fees = await sums(feesSql);
  const melted = await sums(meltedSql);
  const unsettled = await sums(unsettledSql);

  const toBalance = (key: string): Balance => {
    const [mint = '', unit = ''] = key.split('\n');
    const pick = (found: readonly Found[], fits: (row: Row) => boolean = () => true): Sum =>
      found
        .filter((each) => each.key === key && fits(each.row))
        .reduce((total, { sum }) => ({ amount: total.amount + sum.amount, count: total.count + sum.count }), none);
    const inState = (state: OwnProofState): Sum => pick(proofs, (row) => text(row, 'state') === state);
    return {
      mint,
      unit,
      received: pick(settled),
      uncollected: pick(settled, (row) => integer(row, 'collected') === 0),
      proofs: {
        unspent: inState('unspent'),
        reserved: inState('reserved'),
        pending: inState('pending'),
        exchanged: inState('exchanged'),
        spent: inState('spent'),
        bad: inState('bad'),
        lost: inState('lost'),
      },
      fees: pick(fees),
      melted: pick(melted),
      inFlight: pick(inFlight),
      unsettled: pick(unsettled, (row) => integer(row, 'refused') === 0),
      refused: pick(unsettled, (row) => integer(row, 'refused') === 1),
      owed: pick(owed).amount,
    };
  };

  const keys = new Set([...settled, ...proofs, ...inFlight, ...owed, ...unsettled].map(({ key }) => key));
  return [...keys].sort().map(toBalance);
};
