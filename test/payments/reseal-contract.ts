/** What sealing anew holds to, whichever database is behind it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { createReseal } from '../../src/paywall/reseal.ts';
import { createSealer, type Sealer } from '../../src/paywall/seal.ts';
import { createSealedLedger } from '../../src/paywall/sealed-ledger.ts';
import { type SecretStore, secretTables } from '../../src/paywall/secret-store.ts';
import { createSealedProofStore } from '../../src/paywall/wallet/sealed-proof-store.ts';
import { createSealedSpendStore } from '../../src/paywall/wallet/sealed-spend-store.ts';
import type { Stores } from '../../src/stores/sql/stores.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';

type Opened = Pick<Stores, 'ledger' | 'proofs' | 'spends' | 'secrets'>;
export type OpenStores = (t: TestContext) => Promise<Opened>;

const [old, current] = [randomBytes(32), randomBytes(32)];
const [former, both, alone] = [createSealer(old), createSealer(current, [old]), createSealer(current)];
const none = createSealer(undefined);

const mint = 'https://mint.example';
const nothing = { swaps: 0, payments: 0, proofs: 0, exports: 0, spends: 0 };

/** Of every table that keeps secrets a row for each of the letters, sealed by `sealer`. */
const fill = async ({ ledger, proofs, spends }: Opened, sealer: Sealer, letters: string): Promise<void> => {
  const sealed = {
    ledger: createSealedLedger(ledger, sealer),
    proofs: createSealedProofStore(proofs, sealer),
    spends: createSealedSpendStore(spends, sealer),
  };
  for (const letter of letters) {
    const claims = setOf(letter);
    const id = claims.paymentId;
    await sealed.ledger.prepare(paymentOf(claims), claims);
    await sealed.ledger.settle(id, 1, signatures, 0);
    const made = ['export', 'spend', 'held'].map(
      (name) =>
        ({
          id: `${name} ${letter}`,
          keysetId: '00',
          amount: 1,
          secret: `secret ${name} ${letter}`,
          C: '02',
          state: 'unspent',
        }) as const,
    );
    await sealed.proofs.collect([{ payment: { paymentId: id, mint, unit: 'sat' }, proofs: made }], 0);
    const written = { id: `exp ${letter}`, mint, unit: 'sat', amount: 1, createdAtMs: 0 };
    assert.ok(await sealed.proofs.export(written, `token ${letter}`, [`export ${letter}`]));
    const spend = {
      id: `spend ${letter}`,
      kind: 'swap',
      mint,
      unit: 'sat',
      amount: 1,
      sent: 1,
      createdAtMs: 0,
    } as const;
    await sealed.spends.prepare({ ...spend, body: `body ${letter}`, outputs: `outputs ${letter}` }, [
      `spend ${letter}`,
    ]);
  }
};

/** Everything that is sealed, as whoever has only these keys reads it. */
const readAll = async (secrets: SecretStore, { open }: Sealer): Promise<string[]> => {
  const texts: string[] = [];
  for (const table of secretTables)
    for (const { paymentId, texts: found } of await secrets.others(table, 'no text begins so', undefined, 10_000))
      for (const column of ['body', 'outputs', 'signatures', 'secret', 'token'] as const) {
        const text = found[column];
        if (text !== undefined) texts.push(`${table} ${column} ${open(text, { paymentId, column })}`);
      }
  return texts.sort();
};

export const resealContract = (name: string, open: OpenStores, options: { skip?: string | false } = {}): void => {
  const guarantee = (what: string, check: (stores: Opened) => Promise<void>) =>
    test(`${name}: ${what}`, options, async (t) => check(await open(t)));

  guarantee(
    'all that a former key sealed, and what was never sealed, is sealed with the present one',
    async (stores) => {
      await fill(stores, former, 'ab');
      await fill(stores, none, 'c');
      await fill(stores, alone, 'd');
      const before = await readAll(stores.secrets, both);
      assert.ok(
        before.length >= 4 * 9 &&
          before.includes('proofs secret secret held a') &&
          before.includes('spends body body c'),
      );
      const result = await createReseal(stores.secrets, both)();
      assert.deepEqual(result, {
        sealed: { swaps: 3, payments: 3, proofs: 9, exports: 3, spends: 3 },
        left: 0,
        problems: [],
      });
      assert.deepEqual(await readAll(stores.secrets, alone), before);
      const [, currentId = ''] = [...former.keyIds, ...alone.keyIds];
      assert.deepEqual(await stores.ledger.noteKeys(currentId, [currentId]), []);
      assert.deepEqual((await createReseal(stores.secrets, alone)()).sealed, nothing, 'once more changes nothing');
    },
  );

  guarantee('interrupted after any batch, it goes on from there', async (stores) => {
    await fill(stores, former, 'abcd');
    const before = await readAll(stores.secrets, both);
    let most = 0;
    const cut: SecretStore = {
      ...stores.secrets,
      async replace(table, resealed) {
        if (most-- === 0) throw new Error('killed');
        return stores.secrets.replace(table, resealed);
      },
    };
    let tries = 0;
    for (let isDone = false; !isDone; tries++) {
      most = 1; // batch, and the next is cut off
      isDone = await createReseal(cut, both, 2)().then(
        ({ sealed }) => Object.values(sealed).every((count) => count === 0),
        () => false,
      );
      assert.deepEqual(await readAll(stores.secrets, both), before);
      assert.ok(tries < 40);
    }
    assert.ok(tries > 5);
    assert.equal((await createReseal(stores.secrets, both)()).left, 0);
    assert.deepEqual(await readAll(stores.secrets, alone), before);
  });

  guarantee('a row that changed meanwhile is left alone and told of', async (stores) => {
    await fill(stores, former, 'a');
    const rival: SecretStore = {
      ...stores.secrets,
      async replace(table, resealed) {
        for (const { row } of resealed) {
          const changed = Object.fromEntries(
            Object.keys(row.texts).map((column) => [
              column,
              former.seal('newer', { paymentId: row.paymentId, column: 'body' }),
            ]),
          );
          if (table === 'spends') await stores.secrets.replace(table, [{ row, texts: changed }]);
        }
        return stores.secrets.replace(table, resealed);
      },
    };
    const { sealed, left } = await createReseal(rival, both)();
    assert.deepEqual([sealed.spends, sealed.swaps, left], [0, 1, 1]);
  });

  guarantee('what no key opens stays as it is and is named; all else is sealed', async (stores) => {
    await fill(stores, former, 'a');
    await fill(stores, createSealer(randomBytes(32)), 'b');
    const { sealed, left, problems } = await createReseal(stores.secrets, both)();
    assert.deepEqual([sealed.swaps, sealed.proofs, left, problems.length], [1, 3, 0, 7]);
    assert.match(problems[0] ?? '', /is sealed with the key [0-9a-f]{16}, which is not configured/);
    assert.ok(problems.every((problem) => !/secret (held|spend|export)/.test(problem)));
  });

  guarantee('without a key there is nothing to seal with', async (stores) => {
    await assert.rejects(createReseal(stores.secrets, none)(), /no cashu\.encryption_key/);
  });
};
