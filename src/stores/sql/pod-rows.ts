/** Rows of pods, and which of them is a payer's. */
import { hash } from 'node:crypto';
import type { PaidPod, PodStage } from '../../core/pod.ts';
import type { PodEnding, PodRow } from '../../pods/pod-store.ts';
import { integer, optionalInteger, type Row, type Transaction, text } from './transaction.ts';

/** While it is wanted, as if it had been there at once. */
const endOf = (row: Row): number =>
  optionalInteger(row, 'expires_at') ?? integer(row, 'wanted_at') + integer(row, 'runs_ms');

export const toPaidPod = (row: Row): PaidPod => ({
  name: text(row, 'name'),
  template: text(row, 'template'),
  paymentId: text(row, 'account_id'),
  amount: integer(row, 'amount'),
  unit: text(row, 'unit'),
  stage: text(row, 'stage') as PodStage,
  ...(row['ip'] !== null && { ip: text(row, 'ip') }),
  runsMs: integer(row, 'runs_ms'),
  expiresAtMs: endOf(row),
});

export const toPodRow = (row: Row): PodRow => {
  const [createdAtMs, readyAtMs] = [optionalInteger(row, 'created_at'), optionalInteger(row, 'ready_at')];
  const endedAtMs = optionalInteger(row, 'ended_at');
  return {
    ...toPaidPod(row),
    rule: text(row, 'rule'),
    lastsMs: integer(row, 'lasts_ms'),
    wantedAtMs: integer(row, 'wanted_at'),
    ...(createdAtMs !== undefined && { createdAtMs }),
    ...(readyAtMs !== undefined && { readyAtMs }),
    ...(endedAtMs !== undefined && { ending: text(row, 'ending') as PodEnding, endedAtMs }),
  };
};

/** `$1`: an account, `$2`: what was bought, `$3`: now. There is one at most. */
export const isLive = `pods.account_id = $1 AND pods.rule = $2 AND ended_at IS NULL AND (pods.expires_at IS NULL OR pods.expires_at > $3)`;

export const findLivePod = (
  transaction: Transaction,
  { accountId, rule, nowMs }: Readonly<{ accountId: string; rule: string; nowMs: number }>,
): Promise<Row | undefined> => transaction.first(`SELECT * FROM pods WHERE ${isLive}`, [accountId, rule, nowMs]);

const nameOf = (accountId: string, rule: string, ordinal: number): string =>
  `user-pod-${hash('sha256', `${accountId}\n${rule}\n${ordinal}`).slice(0, 12)}`;

export type NewPod = Readonly<{
  accountId: string;
  rule: string;
  template: string;
  amount: number;
  unit: string;
  timeMs: number;
  nowMs: number;
}>;

/** Each pod of a payer has a name of its own, and so has the pod of another payer whose name happens to begin alike. */
export const insertPod = async (transaction: Transaction, pod: NewPod): Promise<Row> => {
  const { accountId, rule, template, amount, unit, timeMs, nowMs } = pod;
  const before = await transaction.first('SELECT COUNT(*) AS count FROM pods WHERE account_id = $1 AND rule = $2', [
    accountId,
    rule,
  ]);
  for (let ordinal = before ? integer(before, 'count') : 0; ; ordinal++) {
    const name = nameOf(accountId, rule, ordinal);
    const inserted = await transaction.run(
      `INSERT INTO pods (name, account_id, rule, template, amount, unit, paid, lasts_ms, bought_ms, runs_ms, stage, wanted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $5, $7, $7, $7, 'wanted', $8) ON CONFLICT (name) DO NOTHING`,
      [name, accountId, rule, template, amount, unit, timeMs, nowMs],
    );
    if (inserted === 0) continue;
    const row = await transaction.first('SELECT * FROM pods WHERE name = $1', [name]);
    if (!row) throw new Error(`the pod ${name} was not written`);
    return row;
  }
};
