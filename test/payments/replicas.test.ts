/** Ten processes that share nothing but a database, a thousand tokens that race through them, and the books to the sat. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { Proof } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { startMint } from '../peers/mint.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { ask as query, startPostgres } from '../servers/postgres.ts';
import { needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';
import { ask, codeOf, times } from './ask.ts';

const REPLICAS = 10;
/** Of each token the price of one request. */
const COIN = 8;
const AT_ONCE = 24;

type Books = Readonly<{ payments: number; credited: number; left: number }>;
type Database = Readonly<{ store: string; books(): Promise<Books> }>;

const sql = `SELECT COUNT(*) AS payments, SUM(swaps.credit) AS credited, SUM(credits.balance) AS left_over
  FROM credits JOIN payments ON payments.id = credits.payment_id
  JOIN swaps ON swaps.payment_id = payments.id AND swaps.number = payments.swap_number`;

const booksOf = (row: Record<string, unknown> = {}): Books => ({
  payments: Number(row['payments']),
  credited: Number(row['credited']),
  left: Number(row['left_over']),
});

const sqlite = async (t: TestContext): Promise<Database> => {
  const file = join(createWorkdir('replicas', t).path, 'test.db');
  return {
    store: `"sqlite:${file}"`,
    async books() {
      const database = new DatabaseSync(file, { readOnly: true });
      try {
        return booksOf(database.prepare(sql).get());
      } finally {
        database.close();
      }
    },
  };
};

const postgres = async (t: TestContext): Promise<Database> => {
  const { url } = await startPostgres({ owner: t });
  return {
    store: `{ type: postgres, url: "${url}", max_connections: 4 }`,
    books: async () => booksOf((await query(url, sql))[0]),
  };
};

/** Several at a time, in an order of their own. */
const inLanes = async <T>(work: readonly (() => Promise<T>)[]): Promise<T[]> => {
  const done: T[] = [];
  const queue = work.entries();
  const lane = async () => {
    for (const [index, run] of queue) done[index] = await run();
  };
  await Promise.all(times(AT_ONCE, lane));
  return done;
};

/**
 * `singles`: tokens that are each sent to two replicas at once. `overlaps`: four tokens each, of which any two share a proof,
 * and each sent to another replica.
 */
for (const [name, open, { singles, overlaps }, options] of [
  ['SQLite', sqlite, { singles: 80, overlaps: 30 }, {}],
  ['PostgreSQL', postgres, { singles: 400, overlaps: 150 }, needs('postgres')],
] as const) {
  test(
    `${singles + 4 * overlaps} tokens race through ${REPLICAS} replicas on one ${name}: each sat counts once`,
    options,
    async (t) => {
      const [database, mint] = await Promise.all([open(t), startMint({ owner: t })]);
      const config = `
logger: { level: error }
cashu: { mints: ["${mint.url}"], encryption_key: "${randomBytes(32).toString('hex')}" }
rules:
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu], price: { amount: ${COIN}, buys: { requests: 1 } } }
`;
      const gates: Sallyport[] = await Promise.all(
        times(REPLICAS, () => startSallyport({ owner: t, config, store: database.store })),
      );
      const agent = new Agent({ keepAlive: true });
      t.after(() => agent.destroy());
      const coins = singles + 3 * overlaps;
      const proofs = await createPayer(mint.url).proofs(coins * COIN, { coins: times(coins, () => COIN) });
      const tokenOf = (...of: readonly (Proof | undefined)[]) =>
        encodeToken({ mint: mint.url, unit: 'sat', proofs: of.filter((proof) => proof !== undefined) });

      /** As a client does: what is not certain yet is asked again. */
      const send = async (token: string, replica: number): Promise<string> => {
        for (;;) {
          const answer = await ask(gates[replica % REPLICAS]?.url ?? '', token, { agent });
          if (answer.status !== 503) return codeOf(answer);
          assert.ok(Number(answer.headers['retry-after']) > 0);
        }
      };
      const race = async (tokens: readonly string[], first: number) =>
        (await Promise.all(tokens.map((token, index) => send(token, first + index * 3)))).sort();

      const pairs = times(singles, (index) => async () => {
        const token = tokenOf(proofs[index]);
        return race([token, token], index);
      });
      const quarrels = times(overlaps, (index) => async () => {
        const [a, b, c] = proofs.slice(singles + 3 * index, singles + 3 * index + 3);
        return race([tokenOf(a, b), tokenOf(b, c), tokenOf(c, a), tokenOf(a, b, c)], index);
      });
      const outcomes = await inLanes([...pairs, ...quarrels]);

      const expected = (index: number) =>
        index < singles
          ? ['credit_exhausted', 'paid']
          : ['paid', 'payment_overlap', 'payment_overlap', 'payment_overlap'];
      for (const [index, outcome] of outcomes.entries()) assert.deepEqual(outcome.slice(), expected(index));
      const spent = mint.spentAmount();
      const payments = singles + overlaps;
      assert.deepEqual(await database.books(), { payments, credited: spent, left: spent - payments * COIN });
      assert.equal(mint.faults.seen('/v1/swap'), payments, 'no replica asked the mint for what another had');
    },
  );
}
