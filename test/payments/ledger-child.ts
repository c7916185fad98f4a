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
