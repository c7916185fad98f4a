/** Usage of the whole service: what it was allowed is counted once, whatever happens to process, store and disk. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqliteStores } from '../../src/stores/sqlite/stores.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { sumsOf } from './usage-events.ts';

const config = `
usage: { flush_interval: 50ms }
rules: [{ name: api, match: { path: "/**" }, accept: [api_key] }, { name: open, match: { path: "/open/**" }, accept: [anonymous] }]
`;

const ask = (gate: Sallyport, path: string, key?: string) =>
  request(gate.url, `/auth/native${path}`, {
    headers: { Host: 'a.example.com', ...(key !== undefined && { Authorization: `Bearer ${key}` }) },
  });

test('requests that were let through are usage, by key, user and rule; refused ones are not', async (t) => {
  const gate = await startSallyport({ owner: t, config });
  const { key, id } = await gate.createKey({ user_id: 'ann' });
  for (const path of ['/orders?token=secret', '/orders', '/open/a'])
    assert.equal((await ask(gate, path, key)).status, 200);
  assert.equal((await ask(gate, '/open/b')).status, 200);
  assert.equal((await ask(gate, '/orders')).status, 401);
  await gate.stop();
  const stores = openSqliteStores(join(gate.directory, 'sallyport.db'));
  t.after(stores.close);
  const sums = await sumsOf(stores.usage, { groupBy: ['key', 'user', 'rule'] });
  assert.deepEqual(
    sums.map(({ groups, requests, billableRequests }) => [groups, requests, billableRequests]),
    [
      [{ key: '', user: '', rule: 'open' }, 2, 2],
      [{ key: id, user: 'ann', rule: 'api' }, 2, 2],
    ],
  );
});
