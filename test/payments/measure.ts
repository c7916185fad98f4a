/**
 * What a payment costs, by parts: `node test/payments/measure.ts`. Redemptions one after another in this process, by a play
 * mint in a process of its own; then a time pass that is presented again and again, by wrk, if there is one.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { claimsOf } from '../../src/paywall/claim.ts';
import { openCurve } from '../../src/paywall/curve/open.ts';
import { prepareSwap } from '../../src/paywall/outputs.ts';
import { createRedeemer } from '../../src/paywall/redeem.ts';
import { createTokenReader } from '../../src/paywall/token.ts';
import { worthOf } from '../../src/paywall/worth.ts';
import { createMintDirectory } from '../../src/stores/mint/directory.ts';
import { createOutbound } from '../../src/stores/outbound/exchange.ts';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { startSallyport } from '../sallyport.ts';
import { freePort } from '../servers/free-port.ts';
import { find } from '../servers/programs.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const AMOUNT = 1_000;
const ROUNDS = 100;

const port = await freePort();
const mintUrl = `http://127.0.0.1:${port}`;
const script = join(import.meta.dirname, '../../examples/play-mint/main.ts');
const mintProcess = spawn(process.execPath, [script, String(port)], { stdio: 'ignore' });
await until('the mint answers', async () => (await fetch(`${mintUrl}/v1/info`)).ok);
const pay = createPayer(mintUrl);

const spent = new Map<string, number[]>();
const timed = async <T>(part: string, run: () => T | Promise<T>): Promise<T> => {
  const startedAt = performance.now();
  const value = await run();
  spent.set(part, [...(spent.get(part) ?? []), performance.now() - startedAt]);
  return value;
};
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const { path, remove } = createWorkdir('measure');
const stores = openSqliteStores(join(path, 'test.db'));
const outbound = createOutbound();
const now = Date.now;
const mints = createMintDirectory({
  mints: [{ url: mintUrl, units: ['sat'] }],
  anyMint: undefined,
  outbound,
  now,
  timeoutMs: 5_000,
});
await mints.start();
const mint = mints.find(mintUrl);
if (!mint) throw new Error('no mint');
const read = createTokenReader(mints.find, { maxProofs: 128 });
const { ledger } = stores;
const curve = await openCurve();
const redeem = createRedeemer({
  ledger: {
    ...ledger,
    lease: (...asked) => timed('lease', () => ledger.lease(...asked)),
    settle: (...asked) => timed('ledger B (settle)', () => ledger.settle(...asked)),
  },
  mintOf: () => ({ ...mint, swap: (...asked) => timed('swap at the mint', () => mint.swap(...asked)) }),
  curve,
  holder: 'measure',
  callMs: 5_000,
  now,
});

const tokens: string[] = [];
for (let index = 0; index < ROUNDS; index++) tokens.push(await pay.token(AMOUNT));
for (const text of tokens) {
  await timed('whole redemption', async () => {
    const token = await timed('decode', () => read(text));
    if (isRefusal(token)) throw new Error(token.code);
    const claims = claimsOf(token);
    const keys = await mint.activeKeys('sat');
    const swap = await timed('blind', () => prepareSwap(curve, token.proofs, worthOf(token, mint.keysets()), keys));
    const { amount, unit } = token;
    const payment = { id: claims.paymentId, mint: mintUrl, unit, amount, rule: 'r', createdAtMs: now(), swap };
    await timed('ledger A (prepare)', () => ledger.prepare(payment, claims));
    await redeem(claims.paymentId);
    const debit = { rule: 'r', amount, unit, buys: { requests: 1 }, nowMs: now() };
    const standing = await timed('debit', () => ledger.present(claims, debit, true));
    if (standing.standing !== 'debited') throw new Error(standing.standing);
  });
}
console.log(`a token of ${AMOUNT} sat, 6 proofs, 6 outputs; medians of ${ROUNDS}, in ms`);
for (const [part, values] of spent) console.log(`  ${part.padEnd(20)} ${median(values).toFixed(2)}`);

const keys = await mint.activeKeys('sat');
for (const amount of [AMOUNT, 2 ** 31 - 1]) {
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    const startedAt = performance.now();
    await prepareSwap(curve, [], { fee: 0, net: amount, credit: amount }, keys);
    times.push(performance.now() - startedAt);
  }
  console.log(`blinding takes, for ${amount} sat: ${median(times).toFixed(2)} ms`);
}
await stores.close();
mints.close();

const wrk = find('wrk');
if (wrk) {
  const gate = await startSallyport({
    config: `
logger: { sample_allows: 0, level: error }
cashu: { mints: ["${mintUrl}"] }
rules:
  - { name: pass, match: { path: "/pass/**" }, accept: [cashu], price: { amount: ${AMOUNT}, buys: { time: 1h } } }
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
`,
  });
  const hit = (target: string, ...headers: string[]) => {
    const output = execFileSync(wrk, [
      '-t1',
      '-c64',
      '-d5s',
      '--latency',
      ...headers.flatMap((header) => ['-H', header]),
      target,
    ]);
    const [, rate] = /Requests\/sec:\s+([\d.]+)/.exec(String(output)) ?? [];
    const [, p99] = /99%\s+(\S+)/.exec(String(output)) ?? [];
    return `${Math.round(Number(rate))} requests/s, p99 ${p99}${/Non-2xx/.test(String(output)) ? ', NOT ALL 200' : ''}`;
  };
  const token = await pay.token(AMOUNT);
  await fetch(`${gate.url}/auth/native/pass/1`, { headers: { 'X-Cashu': token } });
  console.log(`a free path: ${hit(`${gate.url}/auth/native/free/1`)}`);
  console.log(`a time pass, presented again: ${hit(`${gate.url}/auth/native/pass/1`, `X-Cashu: ${token}`)}`);
  await gate.stop();
}
mintProcess.kill();
await once(mintProcess, 'exit');
remove();
