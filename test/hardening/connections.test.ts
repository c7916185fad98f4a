import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import type { Owner } from '../servers/last-resort.ts';
import { launch } from '../servers/process.ts';
import { sendRaw } from '../servers/raw-http.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const rules = 'rules: [{ name: free, match: { path: "/free/**" }, accept: [anonymous] }]';
const launcher = join(import.meta.dirname, '..', '..', 'bin', 'sallyport.js');

const open = async (port: number, bytes: string): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
};

const openMany = (count: number, port: number, bytes: string) =>
  Promise.all(Array.from({ length: count }, () => open(port, bytes)));

const servedMs = async (url: string): Promise<number> => {
  const startedAt = performance.now();
  assert.equal((await request(url, '/auth/native/free/x')).status, 200);
  return performance.now() - startedAt;
};

test('2,000 idle connections, silent, half spoken and kept alive, are nothing to the others', async (t) => {
  const gate = await startSallyport({ owner: t, config: rules });
  const kept = 'GET /auth/native/free/x HTTP/1.1\r\nHost: a\r\n\r\n';
  const sockets = [
    ...(await openMany(700, gate.port, '')),
    ...(await openMany(600, gate.port, 'GET /auth/native/free/x HTTP/1.1\r\nHo')),
    ...(await openMany(700, gate.port, kept)),
  ];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let time = 0; time < 20; time++) assert.ok((await servedMs(gate.url)) < 1_000);
  const alive = sockets.at(-1);
  alive?.write(kept);
  await once(alive ?? assert.fail(), 'data');
});

/** A process with a configuration that is all its own. */
const startWith = async (owner: Owner, http: string, command: string, ...args: string[]) => {
  const { path: directory } = createWorkdir('connections', owner);
  const file = join(directory, 'sallyport.yaml');
  writeFileSync(file, `http: { addr: "127.0.0.1:0"${http} }\nstore: "sqlite:${join(directory, 'db')}"\n${rules}\n`);
  const all = [...args, launcher, '--config', file];
  const running = await launch({ command, args: all, cwd: directory, stopSignal: 'SIGINT', owner });
  const portOf = () => Number(/answers on 127\.0\.0\.1:(\d+)/.exec(running.output())?.[1] ?? 0);
  await until('it answers', () => portOf() > 0);
  return { port: portOf(), url: `http://127.0.0.1:${portOf()}` };
};

test('callers who take their time with headers or bodies are let go, and others are served meanwhile', async (t) => {
  const { port, url } = await startWith(t, ', read_timeout: 500ms', process.execPath);
  const slow = [
    'GET / HTTP/1.1\r\nHost: a\r\nX-A: ',
    'GET /auth/native/free/x HTTP/1.1\r\nHost: a\r\n',
    'POST /auth/native/free/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx',
    'POST /nothing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx',
  ];
  const exchanges = slow.flatMap((bytes) => Array.from({ length: 50 }, () => sendRaw(bytes, { port })));
  for (let time = 0; time < 10; time++) assert.ok((await servedMs(url)) < 1_000);
  const ends = await Promise.all(exchanges);
  assert.ok(ends.every(({ ended }) => ended === 'closed'));
});

test('without a file descriptor left it lives on, and serves as soon as there are some', async (t) => {
  const { port, url } = await startWith(t, '', 'sh', '-c', 'ulimit -n 80 && exec "$0" "$@"', process.execPath);
  await servedMs(url);
  const sockets = await openMany(200, port, '');
  for (const socket of sockets) socket.destroy();
  await until('it serves again', async () => (await servedMs(url)) > 0);
});
