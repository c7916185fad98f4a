/**
 * Processes that are killed at every point of a redemption, one after the other on one ledger, while payers send tokens, send
 * them again, and spend some elsewhere. In the end a process that nobody kills recovers what is left without a token, so
 * that every sat can be accounted for (storm-books.ts).
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import type { Proof } from '@cashu/cashu-ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Ledger } from '../../src/paywall/ledger.ts';
import type { PodStore } from '../../src/pods/pod-store.ts';
import type { Fault } from '../peers/faults.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { startQuickly } from './start-quickly.ts';
import { AMOUNT, type StormMint } from './storm-mints.ts';

/** The crash table of the design: before A, after A, posted, the mint has acted, after B, answered, before proofs are ours. */
export const points = ['before A', 'after A', 'posted', 'acted', 'after B', 'answered', 'collecting'] as const;

/** Between a payment and its pod, between the end of its time and its deletion, and where none can be made. */
export const podPoints = ['to create', 'created', 'noted', 'given back', 'ended', 'to delete', 'deleted'] as const;

export type PodPoint = (typeof podPoints)[number];
export type Point = (typeof points)[number] | PodPoint;

/** What is sold, and where processes are killed while it is. */
export type Trade = Readonly<{
  points: readonly Point[];
  /** In the words of a rule. */
  price: string;
  /** What payers are told. */
  answers: readonly string[];
  /** Of the pods that are sold; left out where requests are. */
  namespace?: string;
}>;

const usual = ['paid', 'payment_uncertain', 'payment_spent', 'credit_exhausted'];

export const requestsTrade: Trade = { points, price: `${AMOUNT}`, answers: usual };

export type Orders = Readonly<{
  /** A configuration, without its secrets. */
  config: unknown;
  /** As it is written in a configuration. */
  store: string;
  /** In base64. */
  key: string;
  tokens: readonly string[];
  /** Ahead of the true time, so that nobody waits for leases. */
  skewMs: number;
  point?: Point;
  /** How often the point is passed before. */
  skip: number;
  /** Ends when nothing is left to recover or to collect. */
  untilIdle: boolean;
  /** Folder of the pods that are sold. */
  namespace?: string | undefined;
}>;

/** A database to be stormed, empty. */
export type StormStore = Readonly<{
  /** As it is written in a configuration. */
  store: string;
  open(): Promise<Readonly<{ ledger: Ledger; pods: PodStore; close(): Promise<void> }>>;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
}>;

/** A token worth `AMOUNT`, and what became of it. */
export type Gift = Readonly<{ proofs: readonly Proof[]; token: string }> & {
  spentElsewhere: boolean;
  /** How often its payer was told that it paid; for pods, how many pods it was told of. */
  paid: number;
  pods: ReadonlySet<string>;
};

export type Aftermath = Readonly<{
  gifts: readonly Gift[];
  /** How many processes died at each point. */
  died: ReadonlyMap<Point, number>;
  key: Buffer;
  /** By the clock of the last process. */
  nowMs: number;
}>;

/** More than the lease of a process that was killed. */
const STEP_MS = 20_000;
/** From then on no post can be under way. */
const LATER_MS = 10 * 60_000;

const script = join(import.meta.dirname, 'storm-child.ts');

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const configFor = (mint: StormMint, store: string, folder: string, price: string): unknown => {
  const path = join(folder, 'sallyport.yaml');
  writeFileSync(
    path,
    `store: "${store}"\ncashu: { mints: ["${mint.url}"], request_timeout: 2s }\nrules: [{ name: premium, accept: [cashu], price: ${price} }]`,
  );
  return loadConfig({ path, env: {}, insecure: new Set(['insecure-ledger']) }).config;
};

/** Kills `kills` processes, as many at each point. */
export const storm = async (
  t: TestContext,
  mint: StormMint,
  { store }: Pick<StormStore, 'store'>,
  kills: number,
  { points: deadlyPoints, price, answers, namespace }: Trade = requestsTrade,
): Promise<Aftermath> => {
  const folder = createWorkdir('storm', { after: (end) => t.after(end) }).path;
  const key = randomBytes(32);
  const shared = { config: configFor(mint, store, folder, price), store, namespace, key: key.toString('base64') };
  const gifts: Gift[] = [];
  const died = new Map<Point, number>(deadlyPoints.map((point) => [point, 0]));
  let skewMs = 0;

  const give = async (): Promise<Gift> => {
    const proofs = await mint.coins();
    const gift = {
      proofs,
      token: encodeToken({ mint: mint.url, unit: 'sat', proofs }),
      spentElsewhere: false,
      paid: 0,
      pods: new Set<string>(),
    };
    gifts.push(gift);
    return gift;
  };

  /** What a dishonest payer does: the mint says who was first. */
  const spendElsewhere = async (gift: Gift): Promise<void> => {
    try {
      await mint.spend(gift.proofs);
      gift.spentElsewhere = true;
    } catch {
      // It was ours already.
    }
  };

  const start = (orders: Pick<Orders, 'point' | 'skip' | 'untilIdle'>, presented: readonly Gift[]) => {
    const whole: Orders = { ...shared, ...orders, skewMs, tokens: presented.map(({ token }) => token) };
    const env = { NODE_COMPILE_CACHE: join(folder, 'compiled'), ...process.env };
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = spawn(process.execPath, [...startQuickly, script, JSON.stringify(whole)], { stdio: [...stdio], env });
    t.after(() => void child.kill('SIGKILL'));
    return { child, exited: once(child, 'exit'), said: child.stdout ? text(child.stdout) : Promise.resolve('') };
  };

  const hearOne = (gift: Gift, [answer = '', pod]: readonly string[]): void => {
    if (pod !== undefined) gift.pods = new Set([...gift.pods, pod]);
    if (answer === 'paid') gift.paid = pod === undefined ? gift.paid + 1 : gift.pods.size;
    assert.ok(answers.includes(answer), answer);
  };

  const hear = (said: string, presented: readonly Gift[]): void => {
    for (const line of said.split('\n')) {
      const [index = '', ...answer] = line.split(' ');
      const gift = index === '' ? undefined : presented[Number(index)];
      if (gift) hearOne(gift, answer);
    }
  };

  const round = async (point: Point, presented: readonly Gift[]): Promise<void> => {
    // A round passes some points once at most.
    const skip = namespace === undefined ? Math.floor(Math.random() * 2) : 0;
    const { child, exited, said } = start({ point, skip, untilIdle: false }, presented);
    let left = skip;
    const killing: Fault = async (act) => {
      left -= 1;
      if (left !== -1) return act();
      if (point === 'acted') await act();
      child.kill('SIGKILL');
      await exited;
      return undefined;
    };
    if (point === 'posted' || point === 'acted') mint.faults.set('/v1/swap', killing);
    const [code, signal] = await exited;
    mint.faults.clear();
    hear(await said, presented);
    if (signal === 'SIGKILL') died.set(point, (died.get(point) ?? 0) + 1);
    else assert.equal(code, 0, `${point}: the process broke`);
  };

  /** Without a token. One that is not killed leaves its compiled code to the next as well. */
  const recover = async (): Promise<void> => {
    const { exited, said } = start({ skip: 0, untilIdle: true }, []);
    const [code] = await exited;
    assert.deepEqual([code, await said], [0, 'idle\n']);
  };

  const total = (): number => sumOf([...died.values()]);
  await recover();
  for (let index = 0; total() < kills; index++) {
    assert.ok(
      index < kills * 2,
      `of ${index} processes only ${total()} died: ${JSON.stringify(Object.fromEntries(died))}`,
    );
    const point = deadlyPoints[index % deadlyPoints.length] ?? 'posted';
    const fresh = [await give(), await give()];
    const [first] = fresh;
    if (index % 7 === 6 && first) await spendElsewhere(first);
    const again = gifts[Math.floor(Math.random() * gifts.length)];
    await round(point, again && !fresh.includes(again) ? [...fresh, again] : fresh);
    const [, second] = fresh;
    if (index % 5 === 4 && second) await spendElsewhere(second);
    skewMs += STEP_MS;
  }
  skewMs += LATER_MS;
  await recover();

  return { gifts, died, key, nowMs: Date.now() + skewMs };
};
