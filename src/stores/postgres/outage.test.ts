/** PostgreSQL goes away and comes back: nothing is lost, nothing counted twice, and nobody has to do anything. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { paymentOf, setOf, signatures } from '../../../test/payments/ledger-contract.ts';
import { freePort } from '../../../test/servers/free-port.ts';
import { ask, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { until } from '../../../test/servers/until.ts';
import { createWorkdir } from '../../../test/servers/workdir.ts';
import { openPostgresStores } from './stores.ts';

const ROUNDS = 3;
const CREDIT = 1_000_000;

const debit = { rule: 'premium', amount: 1, unit: 'sat', buys: { requests: 1 }, nowMs: 1_000 };

const directoryFor = (t: TestContext) => createWorkdir('outage', t).path;

for (const signal of ['SIGKILL', 'SIGINT'] as const) {
  test(
    `ended by ${signal} and started again under load: what was answered is there, and only that`,
    needs('postgres'),
    async (t) => {
      const directory = directoryFor(t);
      let server = await startPostgres({ directory, owner: t });
      const { url, port } = server;
      const stores = await openPostgresStores(settingsOf(url));
      t.after(stores.close);
      const { ledger } = stores;
      const shared = setOf('shared');
      await ledger.prepare(paymentOf(shared, { credit: CREDIT }), shared);
      await ledger.settle(shared.paymentId, 1, signatures, 0);

      const said = { debited: 0, prepared: [] as string[], failures: [] as string[] };
      let working = true;
      const draw = async () => {
        if ((await ledger.present(shared, debit, true)).standing === 'debited') said.debited += 1;
      };
      const write = async (name: string) => {
        const claims = setOf([name]);
        await ledger.prepare(paymentOf(claims), claims);
        said.prepared.push(claims.paymentId);
      };
      const lane = async (number: number) => {
        for (let count = 0; working; count++) {
          try {
            await (number % 2 === 0 ? draw() : write(`${number}-${count}`));
          } catch (error) {
            said.failures.push(String(error));
            await pause(20);
          }
        }
      };
      const lanes = Promise.all(Array.from({ length: 12 }, (_, number) => lane(number)));

      for (let round = 0; round < ROUNDS; round++) {
        const [before, failuresBefore] = [said.debited, said.failures.length];
        await until('it works', () => said.debited > before + 20);
        server.signal(signal);
        await server.exited();
        await until('it is noticed', () => said.failures.length > failuresBefore);
        server = await startPostgres({ directory, port, owner: t });
      }
      const before = said.debited;
      await until('it works again', () => said.debited > before + 20);
      working = false;
      await lanes;
      await stores.check();

      for (const failure of said.failures) assert.match(failure, /PostgreSQL/);
      assert.deepEqual(await ask(url, 'SELECT balance::int FROM credits'), [{ balance: CREDIT - said.debited }]);
      const written = new Set((await ask(url, 'SELECT id FROM payments')).map(({ id }) => id));
      assert.deepEqual(
        said.prepared.filter((id) => !written.has(id)),
        [],
      );
    },
  );
}

test(
  'not there yet at the start: every call says so at once, and all is well when it comes',
  needs('postgres'),
  async (t) => {
    const port = await freePort();
    const stores = await openPostgresStores(settingsOf(`postgres://sallyport@127.0.0.1:${port}/postgres`));
    t.after(stores.close);
    const startedAt = performance.now();
    for (const call of [stores.check(), stores.keys.findByHash('x'), stores.ledger.lease('x', 'us', 0, 1)]) {
      await assert.rejects(async () => call, /PostgreSQL cannot be reached: connect ECONNREFUSED/);
    }
    assert.ok(performance.now() - startedAt < 1_000);
    await startPostgres({ port, owner: t });
    await until('it is found', () => stores.check().then(() => true));
    assert.deepEqual(await stores.ledger.lease('x', 'us', 0, 1), { lease: 'concluded' });
  },
);

test(
  'a server that only reads, as a standby does: told of by whoever asks whether it can be written',
  needs('postgres'),
  async (t) => {
    const { url } = await startPostgres({ owner: t });
    const stores = await openPostgresStores(settingsOf(url));
    t.after(stores.close);
    await stores.checkWrites();
    await ask(url, 'ALTER DATABASE postgres SET default_transaction_read_only = on');
    // For sessions that begin from now on.
    await ask(url, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
    const problem = () => stores.checkWrites().then(String, (error: Error) => error.message);
    await until('it is noticed', async () => /read-only/.test(await problem()));
    await stores.check();
  },
);
