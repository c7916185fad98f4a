/**
 * Processes that are killed at every point of accepting a locked token and of settling many, one after the other on one ledger,
 * while payers send tokens and send them again. In the end a process that nobody kills settles what is left, and the payers, the
 * mint and the ledger must agree to the sat.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { Amount } from '@cashu/cashu-ts';
import { outputCreator } from '../../examples/play-mint/outputs.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readLockKey } from '../../src/config/lock-key.ts';
import { createSealer } from '../../src/paywall/seal.ts';
import type { ProofStore } from '../../src/paywall/wallet/proof-store.ts';
import { isComplete } from '../../src/paywall/wallet/reconcile.ts';
import { createSealedProofStore } from '../../src/paywall/wallet/sealed-proof-store.ts';
import type { Fault } from '../peers/faults.ts';
import { type FaultyMint, startMint } from '../peers/mint.ts';
import { activeKeyset, blank } from '../peers/purse.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { startQuickly } from './start-quickly.ts';

export const offlinePoints = [
  'before acceptance',
  'accepted',
  'answered',
  'before the batch',
  'batch written',
  'posted',
  'acted',
  'settled',
] as const;

export type OfflinePoint = (typeof offlinePoints)[number];

export type OfflineOrders = Readonly<{
  /** A configuration, without its secrets. */
  config: unknown;
  /** As it is written in a configuration. */
  store: string;
  /** In base64. */
  key: string;
  privateKey: string;
  tokens: readonly string[];
  /** Ahead of the true time, so that nobody waits for leases. */
  skewMs: number;
  point?: OfflinePoint;
  settles: boolean;
  /** Ends when nothing is left to recover, to settle and to collect. */
  untilIdle: boolean;
}>;

export type OfflineStore = Readonly<{
  /** As it is written in a configuration. */
  store: string;
  open(): Promise<Readonly<{ proofs: ProofStore; close(): Promise<void> }>>;
}>;

type Gift = Readonly<{ token: string }> & { paid: number };

/** The mint keeps 1 of a token that is swapped alone. */
const COINS = [8, 1];
export const AMOUNT = 9;
/** More than the lease of a process that was killed. */
const STEP_MS = 20_000;
/** From then on no post can be under way. */
const LATER_MS = 10 * 60_000;

const script = join(import.meta.dirname, 'offline-storm-child.ts');

const configFor = (mint: string, store: string, folder: string, cap: number): unknown => {
  const path = join(folder, 'sallyport.yaml');
  const offline = `{ max_unsettled: [{ mint: "${mint}", amount: ${cap} }], settle_every: 1s }`;
  const lock = `{ private_key: "${'7'.repeat(64)}", accept_offline: ${offline} }`;
  writeFileSync(
    path,
    `store: "${store}"\ncashu: { mints: ["${mint}"], request_timeout: 2s, lock: ${lock} }\nrules: [{ name: premium, accept: [cashu], price: ${AMOUNT} }]`,
  );
  return loadConfig({ path, env: {}, insecure: new Set(['insecure-ledger']) }).config;
};

/** `cap`: most that may be unsettled, in sat. */
export const openOfflineStorm = async (t: TestContext, { store, open }: OfflineStore, cap: number) => {
  const mint: FaultyMint = await startMint({ owner: t, keysets: [{ inputFeePpk: 100 }] });
  const folder = createWorkdir('storm', { after: (end) => t.after(end) }).path;
  const key = randomBytes(32);
  const privateKey = randomBytes(32).toString('hex');
  const { publicKey: pubkey = '' } = readLockKey(privateKey) ?? {};
  const shared = { config: configFor(mint.url, store, folder, cap), store, key: key.toString('base64'), privateKey };
  const gifts: Gift[] = [];
  let skewMs = 0;

  const give = (): Gift => {
    const { id, publicKeys: keys } = activeKeyset(mint.mint);
    const data = outputCreator.createP2PKData({ pubkey }, AMOUNT, { id, keys }, COINS);
    const outputs = data.map(({ blindedMessage: { B_, amount } }) => ({
      id,
      B_,
      amount: Amount.from(amount).toNumber(),
    }));
    const signatures = mint.mint.mint(mint.mint.createQuote(AMOUNT, 'sat').quote, outputs);
    const proofs = signatures.flatMap((signature, index) =>
      (data[index] ? [data[index]] : []).map((own) =>
        own.toProof({ ...signature, amount: Amount.from(signature.amount) }, { id, keys }),
      ),
    );
    const gift = { token: encodeToken({ mint: mint.url, unit: 'sat', proofs }), paid: 0 };
    gifts.push(gift);
    return gift;
  };

  const start = (orders: Pick<OfflineOrders, 'point' | 'settles' | 'untilIdle'>, presented: readonly Gift[]) => {
    const whole: OfflineOrders = { ...shared, ...orders, skewMs, tokens: presented.map(({ token }) => token) };
    const env = { NODE_COMPILE_CACHE: join(folder, 'compiled'), ...process.env };
    const child = spawn(process.execPath, [...startQuickly, script, JSON.stringify(whole)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    });
    t.after(() => void child.kill('SIGKILL'));
    return { child, exited: once(child, 'exit'), said: text(child.stdout) };
  };

  const hear = (said: string, presented: readonly Gift[]): void => {
    for (const line of said.split('\n')) {
      const [index = '', answer = ''] = line.split(' ');
      const gift = index === '' ? undefined : presented[Number(index)];
      if (!gift) continue;
      if (answer === 'paid') gift.paid += 1;
      assert.ok(['paid', 'credit_exhausted', 'payment_uncertain'].includes(answer), line);
    }
  };

  /** Says whether the process died. */
  const round = async (point: OfflinePoint, presented: readonly Gift[]): Promise<boolean> => {
    const { child, exited, said } = start({ point, settles: true, untilIdle: false }, presented);
    const killing: Fault = async (act) => {
      if (point === 'acted') await act();
      child.kill('SIGKILL');
      await exited;
      return undefined;
    };
    if (point === 'posted' || point === 'acted') mint.faults.set('/v1/swap', killing);
    const [code, signal] = await exited;
    mint.faults.clear();
    hear(await said, presented);
    if (signal !== 'SIGKILL') assert.equal(code, 0, `${point}: the process broke`);
    return signal === 'SIGKILL';
  };

  /** Without a point to die at. */
  const run = async (orders: Pick<OfflineOrders, 'settles' | 'untilIdle'>, presented: readonly Gift[]) => {
    const { exited, said } = start(orders, presented);
    const [code] = await exited;
    assert.equal(code, 0);
    hear(await said, presented);
  };

  const proofsOf = async <T>(use: (proofs: ProofStore) => Promise<T>): Promise<T> => {
    const opened = await open();
    try {
      return await use(createSealedProofStore(opened.proofs, createSealer(key)));
    } finally {
      await opened.close();
    }
  };

  return {
    mint,
    gifts,
    give,
    round,
    run,

    step() {
      skewMs += STEP_MS;
    },

    /** A process that nobody kills, long after. */
    async recover() {
      skewMs += LATER_MS;
      await run({ settles: false, untilIdle: true }, []);
    },

    unsettled: () => proofsOf(async (proofs) => (await proofs.balances())[0]?.unsettled.amount ?? 0),

    /** Throws where the books differ. Gives what the mint took, in sat. */
    balance: () =>
      proofsOf(async (proofs) => {
        const [balance] = await proofs.balances();
        assert.ok(balance && isComplete(balance));
        const { received, unsettled, refused, inFlight, uncollected, owed } = balance;
        assert.deepEqual(
          [unsettled, refused, inFlight, uncollected].map(({ amount }) => amount),
          [0, 0, 0, 0],
        );
        const payments = await proofs.payments(10_000);
        assert.ok(payments.every(({ state }) => state === 'settled'));
        const taken = payments.length * AMOUNT;
        assert.equal(mint.spentAmount(), taken, 'the mint saw nothing else');
        assert.equal(received.amount, taken - mint.mint.totals().fees, 'all that it signed is ours');
        const told = gifts.filter(({ paid }) => paid > 0).length;
        assert.ok(
          gifts.every(({ paid }) => paid <= 1),
          'nobody got in twice',
        );
        assert.ok(told * AMOUNT + owed <= taken, 'nobody got in for nothing');
        const held = await proofs.proofs(mint.url, 'sat', 'unspent', '', 10_000);
        const inputs = held.map(({ keysetId: id, amount, secret, C }) => ({ id, amount, secret, C }));
        const sum = received.amount - Math.ceil(held.length / 10);
        const coins = [...sum.toString(2)].reverse().flatMap((digit, power) => (digit === '1' ? [2 ** power] : []));
        mint.mint.swap(inputs, blank(activeKeyset(mint.mint), coins).outputs); // and it is real
        return taken;
      }),
  };
};
