/**
 * A process with a ledger of its own, for tests that kill it or set several on one file. It says each thing that it was told
 * is written, on a line, before it goes on.
 */
import { writeSync } from 'node:fs';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { paymentOf, setOf, signatures } from './ledger-contract.ts';

const [, , path = '', task = '', name = ''] = process.argv;
const say = (line: string) => writeSync(1, `${line}\n`);
say('here');
const { ledger, close } = openSqliteStores(path);
const debit = { rule: 'premium', amount: 10, unit: 'sat', buys: { requests: 1 }, nowMs: 1_000 };

const tasks: Record<string, () => Promise<void>> = {
  async open() {
    say('open');
  },

  /** One payment after another, several at once, through all its stations. */
  async pay() {
    const run = async (lane: number) => {
      for (let count = 0; ; count++) {
        const claims = setOf([`${name}-${lane}-${count}`]);
        const { paymentId } = claims;
        await ledger.prepare(paymentOf(claims), claims);
        say(`prepared ${paymentId}`);
        await ledger.lease(paymentId, name, 0, 1_000);
        await ledger.settle(paymentId, 1, signatures, 0);
        say(`settled ${paymentId}`);
        const { standing } = await ledger.present(claims, debit, true);
        say(`${standing} ${paymentId}`);
      }
    };
    await Promise.all([1, 2, 3, 4].map(run));
  },

  /** Sets of proofs of which each has some in common with others, in an order of its own. */
  async overlap() {
    const sets = Array.from({ length: 120 }, (_, index) =>
      [index, index + 1, index + 2].map((proof) => `proof ${proof}`),
    );
    const shift = Number(name) * 11;
    const own = [...sets.slice(shift), ...sets.slice(0, shift)];
    const tryOne = async (set: readonly string[]) => {
      const claims = setOf(set);
      if (await ledger.prepare(paymentOf(claims), claims)) say(`won ${set.join(',')}`);
    };
    const queue = own.values();
    const lane = async () => {
      for (const set of queue) await tryOne(set);
    };
    await Promise.all(Array.from({ length: 8 }, lane));
  },

  /** As much as can be had of one payment. */
  async draw() {
    const claims = setOf(['shared']);
    const made = await ledger.prepare(paymentOf(claims, { credit: 1_000 }), claims);
    say(made ? 'made' : 'found');
    await ledger.settle(claims.paymentId, 1, signatures, 0);
    for (;;) {
      const standings = await Promise.all([1, 2, 3, 4, 5, 6, 7].map(() => ledger.present(claims, debit, true)));
      for (const { standing } of standings) say(standing);
      if (standings.some(({ standing }) => standing !== 'debited')) return;
    }
  },
};

await tasks[task]?.();
await close();
