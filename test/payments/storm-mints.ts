/** Mints to be paid at in a storm: over a connection that fails on demand, with books that can be read. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { type Proof, Wallet } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import type { FaultTable } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { activeKeyset, blank, coinsOf, wire } from '../peers/purse.ts';
import { relayTo } from '../peers/relay.ts';
import { startNutshell } from '../servers/nutshell.ts';

/** Worth of a token. The mint keeps 1 of it, so that one coin is left to sign. */
export const AMOUNT = 9;
const COINS = [8, 1];
const FEE_PPK = 100;

type Keys = Readonly<Record<string, string>>;

export type StormMint = Readonly<{
  url: string;
  faults: FaultTable;
  /** Fresh proofs worth `AMOUNT`. */
  coins(): Promise<Proof[]>;
  /** As a wallet would. Rejects where they are no money, or not any more. */
  spend(proofs: readonly Proof[]): Promise<void>;
  keysOf(keysetId: string): Promise<Keys>;
  /** By its books: all that was ever spent there. */
  spentAmount(): number;
  /** By its books: whether it signed a blinded message. */
  hasSigned(message: Readonly<{ id: string; amount: number; B_: string }>): boolean;
}>;

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** An amount in coins of 1, 2, 4, … */
const split = (amount: number): number[] =>
  [...amount.toString(2)].reverse().flatMap((digit, power) => (digit === '1' ? [2 ** power] : []));

export const openPlayMint = async (t: TestContext): Promise<StormMint> => {
  const { url, faults, mint, spentAmount } = await startMint({ owner: t, keysets: [{ inputFeePpk: FEE_PPK }] });
  return {
    url,
    faults,
    coins: async () => coinsOf(mint, COINS),
    async spend(proofs) {
      const fee = Math.ceil((proofs.length * FEE_PPK) / 1_000);
      const amount = sumOf(proofs.map((proof) => proof.amount.toNumber())) - fee;
      mint.swap(proofs.map(wire), blank(activeKeyset(mint), split(amount)).outputs);
    },
    keysOf: async (keysetId) => mint.keysets().find(({ keyset }) => keyset.id === keysetId)?.keyset.publicKeys ?? {},
    spentAmount,
    hasSigned: (message) => mint.restore([message]).signatures.length === 1,
  };
};

export const openNutshell = async (t: TestContext): Promise<StormMint> => {
  const nutshell = await startNutshell({ owner: t, inputFeePpk: FEE_PPK });
  const { url, faults } = await relayTo(nutshell.url, t);
  const wallet = async (): Promise<Wallet> => {
    const opened = new Wallet(nutshell.url, { unit: 'sat' });
    await opened.loadMint();
    return opened;
  };
  const books = new DatabaseSync(join(nutshell.directory, 'mint', 'mint.sqlite3'), { readOnly: true });
  t.after(() => books.close());
  const spent = books.prepare('SELECT SUM(amount) AS sum FROM proofs_used');
  const promise = books.prepare('SELECT amount, id FROM promises WHERE b_ = ? AND c_ IS NOT NULL');
  const payer = createPayer(nutshell.url);
  return {
    url,
    faults,
    coins: () => payer.proofs(AMOUNT, { coins: COINS }),
    async spend(proofs) {
      await (await wallet()).receive({ mint: nutshell.url, proofs: [...proofs], unit: 'sat' });
    },
    async keysOf(keysetId) {
      const [keyset] = (await (await wallet()).mint.getKeys(keysetId)).keysets;
      return keyset?.keys ?? {};
    },
    spentAmount: () => Number(spent.get()?.['sum']),
    hasSigned: ({ id, amount, B_ }) => {
      const row = promise.get(B_);
      return row?.['amount'] === amount && row['id'] === id;
    },
  };
};
