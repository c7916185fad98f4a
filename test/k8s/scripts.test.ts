/** The two scripts that manifests carry, run as they stand. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { startEchoApp } from '../peers/echo-app.ts';
import { freePort } from '../servers/free-port.ts';
import { request } from '../servers/request.ts';
import { startExampleApp, startRelay } from './carried-scripts.ts';

test('the example application tells what reached it, and ends when it is told to', async (t) => {
  const { url: origin, running } = await startExampleApp(t);
  const { body } = await request(origin, '/a?b', {
    method: 'POST',
    headers: { 'X-User-ID': 'alice' },
  });
  const { method, url, headers } = JSON.parse(body);
  assert.deepEqual([method, url, headers['x-user-id']], ['POST', '/a?b', 'alice']);
  running.signal('SIGTERM');
  assert.equal(await running.exited(), 'code 0');
});

test('the relay hands on what it gets, both ways, and ends when it is told to', async (t) => {
  const app = await startEchoApp({ owner: t });
  const { url, running } = await startRelay(app.port, t);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => request(url, `/${index}`, { method: 'POST', body: 'x'.repeat(100_000) })),
  );
  assert.deepEqual(
    answers.map(({ body }) => [JSON.parse(body).url, JSON.parse(body).bodyLength]),
    answers.map((_, index) => [`/${index}`, 100_000]),
  );
  running.signal('SIGTERM');
  assert.equal(await running.exited(), 'code 0');
});

test('the relay outlives a gate that is not there, and one that breaks off', async (t) => {
  const port = await freePort();
  const { url, running } = await startRelay(port, t);
  await assert.rejects(request(url, '/'));
  const rude = createServer((socket) => socket.once('data', () => socket.resetAndDestroy())).listen(port, '127.0.0.1');
  t.after(() => rude.close());
  await assert.rejects(request(url, '/'));
  await assert.rejects(request(url, '/'));
  assert.doesNotMatch(running.output(), /Error/);
  running.signal('SIGTERM');
  assert.equal(await running.exited(), 'code 0');
});
