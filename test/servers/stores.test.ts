import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPostgres } from './postgres.ts';
import { locate, needs } from './programs.ts';
import { sendRaw } from './raw-http.ts';
import { startRedis } from './redis.ts';
import { createWorkdir } from './workdir.ts';

test('Redis starts empty, and again on the data it had, at the same port', needs('redis'), async (t) => {
  const { path: directory } = createWorkdir('redis-data', t);
  const settings = { appendonly: 'yes' };
  const say = async (port: number, line: string) =>
    (await sendRaw(`${line}\r\n`, { port, until: (text) => text.endsWith('\r\n') })).text;
  const first = await startRedis({ directory, settings, owner: t });
  assert.match(first.url, /^redis:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(await say(first.port, 'GET answer'), '$-1\r\n');
  assert.equal(await say(first.port, 'SET answer 42'), '+OK\r\n');
  await first.stop();
  const second = await startRedis({ directory, port: first.port, settings, owner: t });
  assert.equal(await say(second.port, 'GET answer'), '$2\r\n42\r\n');
});

test('PostgreSQL starts empty, and again on the data it had after a crash', needs('postgres'), async (t) => {
  const { path: directory } = createWorkdir('postgres-data', t);
  const ask = (url: string, sql: string) => {
    const { stdout, stderr } = spawnSync(join(locate('postgres'), 'psql'), ['-Atqc', sql, url], { encoding: 'utf8' });
    return stdout + stderr;
  };
  const first = await startPostgres({ directory, owner: t });
  assert.equal(ask(first.url, 'select current_user'), 'sallyport\n');
  assert.equal(ask(first.url, 'create table kept as select 42 as answer'), '');
  first.signal('SIGKILL');
  assert.equal(await first.exited(), 'SIGKILL');
  const second = await startPostgres({ directory, port: first.port, owner: t });
  assert.equal(ask(second.url, 'select answer from kept'), '42\n');
  await second.stop();
  assert.equal(existsSync(directory), true);
});
