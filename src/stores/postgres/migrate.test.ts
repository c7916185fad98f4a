import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { ask, createDatabase, startPostgres } from '../../../test/servers/postgres.ts';
import { settingsOf } from '../../../test/servers/postgres-stores.ts';
import { needs } from '../../../test/servers/programs.ts';
import { migrations } from '../sql/migrations.ts';
import { createPool } from './pool.ts';
import { openPostgresStores } from './stores.ts';

const options = needs('postgres');
const server = options.skip ? { url: '' } : await startPostgres({ owner: { after } });

const open = async (t: TestContext, url: string) => {
  const stores = await openPostgresStores(settingsOf(url, 2));
  t.after(stores.close);
  return stores;
};

const schemaOf = (url: string) =>
  ask(
    url,
    `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
      WHERE table_schema = 'public' ORDER BY 1, 2`,
  );

test('ten replicas that start with an empty database at the same moment make one schema', options, async (t) => {
  const url = await createDatabase(server);
  const all = await Promise.all(Array.from({ length: 10 }, () => open(t, url)));
  for (const { check } of all) await check();
  assert.deepEqual(await ask(url, 'SELECT version FROM sallyport_schema'), [{ version: String(migrations.length) }]);
  const schema = await schemaOf(url);
  assert.ok(schema.some(({ table_name }) => table_name === 'claims'));
  await open(t, url);
  assert.deepEqual(await schemaOf(url), schema);
});

test('a schema of an older release is brought to the newest version, with what is in it', options, async (t) => {
  const url = await createDatabase(server);
  const [first = []] = migrations;
  await ask(url, first.join(';'));
  await ask(
    url,
    `CREATE TABLE sallyport_schema AS SELECT 1::bigint AS version;
     CREATE TABLE sallyport_commits (name TEXT PRIMARY KEY, outcome TEXT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now());
     INSERT INTO api_keys VALUES ('id', 'hash', 'hint', 'ann', 'laptop', NULL, NULL, '[]', '{}', 1, NULL)`,
  );
  const { keys } = await open(t, url);
  assert.equal((await keys.findByHash('hash'))?.userId, 'ann');
  assert.deepEqual(await ask(url, 'SELECT version FROM sallyport_schema'), [{ version: String(migrations.length) }]);
});

test('a schema that is newer than this release is refused, and left as it is', options, async (t) => {
  const url = await createDatabase(server);
  await open(t, url);
  await ask(url, `UPDATE sallyport_schema SET version = ${migrations.length + 1}`);
  await assert.rejects(
    openPostgresStores(settingsOf(url)),
    /the store test_\w+ on 127\.0\.0\.1:\d+ cannot be opened: .*schema version \d+, this release knows \d+\. Use a newer/,
  );
  assert.deepEqual(await ask(url, 'SELECT version FROM sallyport_schema'), [
    { version: String(migrations.length + 1) },
  ]);
});

test('tables of another program in the same database stay as they are, and are named', options, async () => {
  const url = await createDatabase(server);
  await ask(url, 'CREATE TABLE payments (mine TEXT)');
  const before = await schemaOf(url);
  await assert.rejects(openPostgresStores(settingsOf(url)), /cannot be opened: .*"payments" already exists/);
  assert.deepEqual(await schemaOf(url), before);
});

test('a role that may not change the schema can serve, once another has made it', options, async (t) => {
  const url = await createDatabase(server);
  await open(t, url);
  const role = `serving_${Date.now()}`;
  await ask(
    url,
    `CREATE ROLE ${role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
     GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`,
  );
  const { keys } = await open(t, url.replace('sallyport@', `${role}@`));
  assert.equal(await keys.revoke('nothing', 1), undefined);
});

for (const [setting, becomes] of [
  ['off', 'on'],
  ['on', 'on'],
  ['remote_apply', 'remote_apply'],
] as const) {
  test(`with synchronous_commit ${setting} at the server, a commit is answered by ${becomes}`, options, async (t) => {
    const url = await createDatabase(server);
    await ask(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = ${setting}`);
    const pool = createPool(settingsOf(url));
    t.after(pool.close);
    const { rows } = await pool.use((connection) => connection.query('SHOW synchronous_commit'));
    assert.deepEqual(rows, [{ synchronous_commit: becomes }]);
  });
}
