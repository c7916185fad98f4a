/** Connections that break at the worst moment: what was done is done once, what was not is done again or refused. */
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { paymentOf, setOf, signatures } from '../../../test/payments/ledger-contract.ts';
import { type Cut, startCuttingRelay } from '../../../test/peers/cutting-relay.ts';
import { ask, createDatabase, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const server = options.skip ? undefined : await startPostgres({ owner: { after } });

const debit = { rule: 'premium', amount: 1, unit: 'sat', buys: { requests: 1 }, nowMs: 1_000 };

const enter = async (t: TestContext) => {
  assert.ok(server);
  const url = await createDatabase(server);
  const relay = await startCuttingRelay(server.port, t);
  const stores = await openPostgresStores({ ...settingsOf(url, 4), port: relay.port });
  t.after(stores.close);
  return { url, relay, ledger: stores.ledger };
};

const words = ['BEGIN', 'UPDATE credits SET balance = balance WHERE', '; COMMIT'];
const cuts: readonly Cut[] = ['before', 'after', 'never answered'];

for (const word of words) {
  for (const when of cuts) {
    test(`cut ${when} at ${word}: every request that was let in was debited once`, options, async (t) => {
      const { url, relay, ledger } = await enter(t);
      const claims = setOf('a');
      await ledger.prepare(paymentOf(claims, { credit: 100 }), claims);
      await ledger.settle(claims.paymentId, 1, signatures, 0);
      const times = when === 'never answered' ? 1 : 3;
      relay.cut(word, when, times);
      const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => ledger.present(claims, debit, true)));
      const debited = outcomes.filter((one) => one.status === 'fulfilled' && one.value.standing === 'debited').length;
      assert.equal(relay.cuts(), times);
      const refused = outcomes.filter(({ status }) => status === 'rejected');
      // A server that says nothing is waited for once, except where only its answer tells what has happened.
      assert.equal(refused.length, when === 'never answered' && word !== '; COMMIT' ? 1 : 0);
      assert.equal(debited, 40 - refused.length);
      assert.deepEqual(await ask(url, 'SELECT balance::int FROM credits'), [{ balance: 100 - debited }]);
    });
  }
}

for (const when of ['before', 'after'] as const) {
  test(
    `cut ${when} at the COMMIT of every station of a payment: it is settled with its one credit`,
    options,
    async (t) => {
      const { url, relay, ledger } = await enter(t);
      const claims = setOf('ab');
      const { paymentId } = claims;
      relay.cut('; COMMIT', when);
      assert.equal(await ledger.prepare(paymentOf(claims), claims), true);
      relay.cut('; COMMIT', when);
      assert.equal((await ledger.lease(paymentId, 'us', 0, 1_000)).lease, 'taken');
      relay.cut('; COMMIT', when);
      assert.equal(await ledger.replaceSwap(paymentId, 'us', { fee: 0, credit: 9, body: 'b', outputs: 'o' }), 2);
      relay.cut('; COMMIT', when);
      await ledger.settle(paymentId, 2, signatures, 0);
      assert.equal(relay.cuts(), 4);
      assert.deepEqual(
        await ask(
          url,
          `SELECT state, balance::int, (SELECT COUNT(*)::int FROM swaps) AS swaps, (SELECT COUNT(*)::int FROM claims) AS claims
          FROM payments JOIN credits ON payment_id = id`,
        ),
        [{ state: 'settled', balance: 9, swaps: 2, claims: 2 }],
      );
    },
  );
}

test('a transaction that comes late, after its fate was settled, changes nothing', options, async (t) => {
  const { url, ledger } = await enter(t);
  const claims = setOf('a');
  await ledger.prepare(paymentOf(claims), claims);
  const names = await ask(url, `INSERT INTO sallyport_commits (name, outcome) VALUES ('late', 'void') RETURNING name`);
  assert.deepEqual(names, [{ name: 'late' }]);
  await assert.rejects(
    ask(
      url,
      `BEGIN; DELETE FROM claims; INSERT INTO sallyport_commits (name, outcome) VALUES ('late', 'committed'); COMMIT`,
    ),
    /duplicate key/,
  );
  assert.deepEqual(await ask(url, 'SELECT COUNT(*)::int AS count FROM claims'), [{ count: 1 }]);
});
