/** `sallyport wallet`: works on the store itself, whether the service runs or not. */
import type { Wallet } from '../assemble/wallet.ts';
import type { Unexported } from '../paywall/wallet/export.ts';
import type { Balance, Export, PaymentRecord } from '../paywall/wallet/proof-store.ts';
import type { SpendRecord } from '../paywall/wallet/spend-store.ts';
import { type CommandOptions, fail, say } from './load.ts';
import { describe, faultsOf, type Report, toJson } from './wallet-report.ts';
import { messageOf, readMint, wholeNumber, withWallet } from './with-wallet.ts';

type BalanceOptions = CommandOptions & Readonly<{ check?: boolean }>;
type HistoryOptions = CommandOptions & Readonly<{ limit?: string }>;
type ExportOptions = CommandOptions & Readonly<{ mint?: string; unit?: string; amount?: string; show?: string }>;

const ask = async ({ mintAt, reconcile }: Wallet, { mint, unit }: Balance): Promise<Report['checked']> => {
  try {
    return await reconcile(mintAt(mint), unit);
  } catch (error) {
    return messageOf(error);
  }
};

const reportOn = async (wallet: Wallet, check: boolean): Promise<Report[]> => {
  const reports: Report[] = [];
  // Asking comes first, for it finds out what was redeemed.
  const before = check ? await wallet.proofs.balances() : [];
  const checked = new Map<string, Report['checked']>();
  for (const balance of before) checked.set(`${balance.mint}\n${balance.unit}`, await ask(wallet, balance));
  for (const balance of await wallet.proofs.balances()) {
    const answer = checked.get(`${balance.mint}\n${balance.unit}`);
    reports.push({ balance, ...(answer !== undefined && { checked: answer }) });
  }
  return reports;
};

/** 1 where something is missing, or a mint that was to be asked did not answer. */
export const showBalance = (options: BalanceOptions): Promise<number> =>
  withWallet(options, async (wallet) => {
    const reports = await reportOn(wallet, options.check === true);
    if (options.json) say(JSON.stringify({ balances: reports.map(toJson) }));
    else for (const report of reports) say(`${describe(report).join('\n')}\n`);
    if (reports.length === 0 && !options.json) say('no payment has come in yet');
    return reports.some((report) => faultsOf(report).length > 0) ? 1 : 0;
  });

const timeOf = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

type Entry = Readonly<{ atMs: number; text: string; json: Readonly<Record<string, unknown>> }>;

const toPaymentEntry = (payment: PaymentRecord): Entry => {
  const { id, state, mint, unit, amount, fee, rule, createdAtMs, concludedAtMs } = payment;
  const feeText = fee ? `, fee ${fee}` : '';
  return {
    atMs: createdAtMs,
    text: `${timeOf(createdAtMs)}  ${state.padEnd(8)}  ${id}  +${amount} ${unit}${feeText}  ${rule}  ${mint}`,
    json: {
      kind: 'payment',
      id,
      result: state,
      mint,
      unit,
      amount,
      fee: fee ?? null,
      rule,
      created_at: new Date(createdAtMs).toISOString(),
      concluded_at: concludedAtMs === undefined ? null : new Date(concludedAtMs).toISOString(),
    },
  };
};

const meltStates = { prepared: 'paying', settled: 'melted', failed: 'unpaid' } as const;

const toMeltEntry = ({ id, mint, unit, amount, state, fee, payee, createdAtMs }: SpendRecord): Entry => ({
  atMs: createdAtMs,
  text:
    `${timeOf(createdAtMs)}  ${meltStates[state].padEnd(8)}  ${id}  -${amount} ${unit}` +
    `${fee ? `, fee ${fee}` : ''}  ${payee ?? ''}  ${mint}`,
  json: {
    kind: 'melt',
    id,
    result: state,
    mint,
    unit,
    amount,
    fee: fee ?? null,
    payee: payee ?? null,
    created_at: new Date(createdAtMs).toISOString(),
  },
});

const toExportEntry = ({ id, mint, unit, amount, createdAtMs }: Export): Entry => ({
  atMs: createdAtMs,
  text: `${timeOf(createdAtMs)}  exported  ${id}  -${amount} ${unit}  ${mint}`,
  json: { kind: 'export', id, mint, unit, amount, created_at: new Date(createdAtMs).toISOString() },
});

export const showHistory = (options: HistoryOptions): Promise<number> => {
  const { limit: written = '50', json } = options;
  if (!wholeNumber.test(written)) {
    fail('--limit takes a number from 1');
    return Promise.resolve(2);
  }
  const limit = Number(written);
  return withWallet(options, async ({ proofs, spends }) => {
    const entries = [
      ...(await proofs.payments(limit)).map(toPaymentEntry),
      ...(await proofs.exports(limit)).map(toExportEntry),
      ...(await spends.list(limit)).filter(({ kind }) => kind === 'melt').map(toMeltEntry),
    ];
    const latest = entries.sort((a, b) => b.atMs - a.atMs).slice(0, limit);
    if (json) say(JSON.stringify({ entries: latest.map((entry) => entry.json) }));
    else for (const { text } of latest) say(text);
    return 0;
  });
};

const showToken = (exported: Export & Readonly<{ token: string }>, json: boolean | undefined): number => {
  const { id, mint, unit, amount, token } = exported;
  if (json) {
    say(JSON.stringify({ id, mint, unit, amount, token }));
    return 0;
  }
  say(token);
  fail(`${id}: ${amount} ${unit} of ${mint}. Whoever has this token has the money.`);
  fail(`To see it again: sallyport wallet export --show ${id}`);
  return 0;
};

const showAgain = async (
  { proofs, spends, finish }: Wallet,
  id: string,
  json: boolean | undefined,
): Promise<number> => {
  await finish();
  const exported = await proofs.findExport(id);
  if (exported) return showToken(exported, json);
  const spend = await spends.find(id);
  if (spend?.state === 'prepared') {
    fail(`${spend.mint} has given no certain answer yet. Nothing is lost: try again`);
    return 1;
  }
  if (spend) {
    fail(`${id} was not made (${spend.failure ?? 'the mint signed wrongly'}): its money is in the balance`);
    return 1;
  }
  fail(`there is no export ${id}; "sallyport wallet history" lists them`);
  return 1;
};

const near = (unit: string, below: number | undefined, above: number | undefined): string => {
  const amounts = [below, above].filter((amount) => amount !== undefined);
  return amounts.length === 0 ? '' : `. Without change there are ${amounts.join(' or ')} ${unit}, the nearest to it`;
};

const showFailure = (wanted: string, mint: string, unit: string, outcome: Unexported): number => {
  switch (outcome.outcome) {
    case 'too-little':
      fail(`${wanted} ${unit} cannot be taken from ${mint}: ${outcome.most} ${unit} is the most that can be had there`);
      break;
    case 'no-change':
      fail(`${mint} gives no change: ${outcome.reason}${near(unit, outcome.below, outcome.above)}`);
      break;
    case 'refused':
      fail(`${mint} does not exchange what is held there: ${outcome.reason} Nothing was taken`);
      break;
    case 'too-many':
      fail(`${wanted} ${unit} take more proofs than fit into a token. Take ${outcome.most} ${unit} at once, or less`);
      break;
    case 'uncertain':
      fail(`${mint} has given no certain answer: ${outcome.reason}`);
      fail(`Nothing is lost. To go on: sallyport wallet export --show ${outcome.id}`);
      break;
  }
  return 1;
};

/** The token goes to the standard output alone, what it is to the standard error. */
export const exportToken = (options: ExportOptions): Promise<number> => {
  const { show, mint: written = '', unit = 'sat', amount: wanted = '', json } = options;
  if (show !== undefined) return withWallet(options, (wallet) => showAgain(wallet, show, json));
  const mint = readMint(written);
  if (mint === undefined || !(wanted === 'all' || wholeNumber.test(wanted))) {
    fail('--mint takes the URL of a mint, --amount a number from 1 or "all"; or --show the id of an earlier export');
    return Promise.resolve(2);
  }
  return withWallet(options, async (wallet) => {
    await wallet.finish();
    const outcome = await wallet.exportToken(mint, unit, wanted === 'all' ? wanted : Number(wanted));
    return outcome.outcome === 'exported'
      ? showToken(outcome.exported, json)
      : showFailure(wanted, mint, unit, outcome);
  });
};
