/** Getting at our own money: written before it is shown, in one token only, and every unit of it accounted for. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { getDecodedToken } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { createReconciler } from '../../src/paywall/wallet/reconcile.ts';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { startMint } from '../peers/mint.ts';
import { startSallyport } from '../sallyport.ts';
import { until } from '../servers/until.ts';
import { collectAll } from './collect.ts';
import { balanceOf, exportedOf, receive, takerOf } from './taker.ts';
import { openTill } from './till.ts';

const price = { amount: 1, unit: 'sat', buys: { requests: 1 } };

const enter = async (t: TestContext, amounts: readonly number[]) => {
  const peer = await startMint({ owner: t });
  const till = await openTill(t, { mints: [peer.url], prices: { premium: price } });
  const pay = createPayer(peer.url);
  for (const amount of amounts) assert.equal(await till.ask(await pay.token(amount)), 'paid');
  await collectAll(till);
  const mint = till.mintOf(peer.url);
  assert.ok(mint);
  return { peer, till, mint, url: peer.url, take: takerOf(till).take };
};

test('an export is a token of the amount that any wallet can receive, and what it takes is held no more', async (t) => {
  const { till, url, take } = await enter(t, [21, 8]);
  const exported = exportedOf(await take(url, 'sat', 12));
  assert.match(exported.token, /^cashuB/);
  assert.equal(await receive(url, exported.token), 12);
  const { proofs } = await balanceOf(till);
  assert.equal(proofs.unspent.amount, 17);
  assert.equal(proofs.reserved.amount, 12);
});

test('what was exported can be shown again to the letter', async (t) => {
  const { till, url, take } = await enter(t, [8]);
  const exported = exportedOf(await take(url, 'sat', 8));
  assert.deepEqual(await till.proofs.findExport(exported.id), exported);
  const [listed] = await till.proofs.exports(10);
  assert.ok(listed && !JSON.stringify(listed).includes('cashuB'), 'a list shows no money');
});

test('a token is never seen that was not written: where writing fails, nothing is taken', async (t) => {
  const { till, url } = await enter(t, [8]);
  const proofs = { ...till.proofs, export: () => Promise.reject(new Error('disk full')) };
  const { take: failing } = takerOf(till, { proofs });
  await assert.rejects(failing(url, 'sat', 8), /disk full/);
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 8);
});

test('exports at the same time, by two processes on one database, share no proof', async (t) => {
  const { peer, till, url } = await enter(t, [255, 255, 255, 255]);
  const other = openSqliteStores(join(till.directory, 'till.db'));
  t.after(other.close);
  const takers = [takerOf(till).take, takerOf(till, other).take];
  const outcomes = await Promise.allSettled(
    Array.from({ length: 24 }, (_, index) => takers[index % 2]?.(url, 'sat', 1 + (index % 4))),
  );
  const exported = outcomes.flatMap((outcome) =>
    outcome.status === 'fulfilled' && outcome.value?.outcome === 'exported' ? [outcome.value.exported] : [],
  );
  assert.ok(exported.length > 0);
  const secrets = exported.flatMap(({ token }) => {
    const keysets = peer.mint.keysets().map(({ keyset }) => keyset.id);
    return getDecodedToken(token, keysets).proofs.map(({ secret }) => secret);
  });
  assert.equal(new Set(secrets).size, secrets.length);
  const taken = exported.reduce((sum, { amount }) => sum + amount, 0);
  const { proofs } = await balanceOf(till);
  assert.equal(proofs.reserved.amount, taken);
  assert.equal(proofs.unspent.amount, 4 * 255 - taken);
});

test('more than is held is not given, and nothing is taken', async (t) => {
  const { till, url, take } = await enter(t, [8, 2]);
  assert.deepEqual(await take(url, 'sat', 11), { outcome: 'too-little', most: 10 });
  assert.deepEqual(await take(url, 'usd', 1), { outcome: 'too-little', most: 0 });
  assert.deepEqual(await take('https://mint.example', 'sat', 1), { outcome: 'too-little', most: 0 });
  assert.equal((await balanceOf(till)).proofs.unspent.amount, 10);
  assert.equal(exportedOf(await take(url, 'sat', 'all')).amount, 10);
  assert.equal((await take(url, 'sat', 'all')).outcome, 'too-little');
});

test('the mint says which of it is spent: tokens that were redeemed are noted, and what is missing is found', async (t) => {
  const { till, mint, url, take } = await enter(t, [21]);
  const reconcile = createReconciler({ proofs: till.proofs, curve: till.curve });
  const exported = exportedOf(await take(url, 'sat', 4));
  const kept = exportedOf(await take(url, 'sat', 1));
  await receive(url, exported.token);
  const first = await reconcile(mint, 'sat');
  assert.deepEqual(first.held.UNSPENT, { amount: 16, count: 1 });
  assert.deepEqual(first.held.SPENT, { amount: 0, count: 0 });
  assert.deepEqual(first.exported.SPENT, { amount: 4, count: 1 });
  assert.deepEqual(first.exported.UNSPENT, { amount: kept.amount, count: 1 });
  const { proofs } = await balanceOf(till);
  assert.equal(proofs.spent.amount, 4);
  assert.equal(proofs.reserved.amount, 1);

  // Somebody has a copy of the database.
  const [stolen] = await till.proofs.proofs(url, 'sat', 'unspent', '', 1);
  assert.ok(stolen);
  const { take: thief } = takerOf(till, { proofs: { ...till.proofs, export: () => Promise.resolve(true) } });
  await receive(url, exportedOf(await thief(url, 'sat', stolen.amount)).token);
  assert.deepEqual((await reconcile(mint, 'sat')).held.SPENT, { amount: 16, count: 1 });
});

test('more proofs than a mint is asked about at once', async (t) => {
  const { till, mint } = await enter(t, [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
  const { held } = await createReconciler({ proofs: till.proofs, curve: till.curve })(mint, 'sat');
  assert.deepEqual(held.UNSPENT, { amount: 13 * 255, count: 104 });
});

/** Runs the command line, while mints in this process go on. */
const run = (args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> => {
  const launcher = join(import.meta.dirname, '..', '..', 'bin', 'sallyport.js');
  const { promise, resolve } = Promise.withResolvers<{ status: number; stdout: string; stderr: string }>();
  execFile(process.execPath, [launcher, ...args], (error, stdout, stderr) => {
    resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
  });
  return promise;
};

test('the command line: what came in is collected, shown, exported once, and held against the mint', async (t) => {
  const peer = await startMint({ owner: t });
  const config = `
cashu: { mints: ["${peer.url}"], encryption_key: "${randomBytes(32).toString('base64')}" }
rules: [{ name: paid, match: { path: "/paid/**" }, accept: [cashu], price: 8 }]
`;
  const gate = await startSallyport({ config, owner: t });
  const wallet = (...args: string[]) => run(['wallet', ...args, '--config', join(gate.directory, 'sallyport.yaml')]);
  const balance = async (...args: string[]) => {
    const { status, stdout, stderr } = await wallet('balance', '--json', ...args);
    assert.equal(stderr, '');
    return { status, ...JSON.parse(stdout).balances[0] };
  };
  assert.match((await wallet('balance')).stdout, /no payment has come in yet/);
  const token = await createPayer(peer.url).token(21);
  const response = await fetch(`${gate.url}/auth/native/paid/1`, { headers: { 'x-cashu': token } });
  assert.equal(response.status, 200);
  await until('it is collected', async () =>
    /sallyport_proofs_total\{mint="[^"]+",result="good"\} 3/.test(await (await fetch(`${gate.url}/metrics`)).text()),
  );

  const { faults, ...books } = await balance('--check');
  assert.deepEqual(faults, []);
  assert.deepEqual(
    [books.status, books.received, books.held, books.owed, books.mint_says.held.UNSPENT.amount],
    [0, 21, 21, 13, 21],
  );
  assert.match((await wallet('balance')).stdout, /held\s+21\s+3\s/);

  const refused = await wallet('export', '--mint', peer.url, '--amount', '22');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /21 sat is the most/);
  const wrong = [[], ['--mint', peer.url], ['--mint', 'x', '--amount', '1'], ['--mint', peer.url, '--amount', '0']];
  const outcomes = await Promise.all(wrong.map((args) => wallet('export', ...args)));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    [2, 2, 2, 2],
  );

  const made = await wallet('export', '--mint', `${peer.url}/`, '--amount', '5', '--json');
  const exported = JSON.parse(made.stdout);
  assert.equal(exported.amount, 5);
  assert.equal((await wallet('export', '--show', exported.id)).stdout.trim(), exported.token);
  assert.equal((await wallet('export', '--show', 'exp_none')).status, 1);
  assert.equal(await receive(peer.url, exported.token), 5);
  const after = await balance('--check');
  assert.deepEqual([after.status, after.held, after.exported, after.spent], [0, 16, 0, 5]);
  const changed = JSON.parse((await wallet('export', '--mint', peer.url, '--amount', '3', '--json')).stdout);
  assert.equal(await receive(peer.url, changed.token), 3);
  const then = await balance('--check');
  assert.deepEqual([then.status, then.held, then.spent, then.under_way, then.fees], [0, 13, 8, 0, 0]);

  const { entries } = JSON.parse((await wallet('history', '--json')).stdout);
  assert.deepEqual(
    entries.map(({ kind, amount, result }: Record<string, unknown>) => [kind, amount, result]),
    [
      ['export', 3, undefined],
      ['export', 5, undefined],
      ['payment', 21, 'settled'],
    ],
  );
  assert.ok(!(await wallet('history')).stdout.includes('cashuB'), 'history shows no money');
  await peer.outage();
  assert.equal((await balance('--check')).status, 1, 'a mint that does not answer is no all-clear');
});
