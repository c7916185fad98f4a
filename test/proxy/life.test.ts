/** Reloads and the end of the process, with requests under way. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request as ask, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { adminToken, type Sallyport, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { jwtBlock, userToken } from './tokens.ts';

const config = (upstream: string, team: string) => `${jwtBlock}
proxy:
  upstream: "${upstream}"
  headers: { inject_claims: { sub: X-Team-${team} } }
`;

const reload = async (gate: Sallyport): Promise<number> => {
  const headers = { authorization: `Bearer ${adminToken}` };
  return (await request(gate.adminUrl, '/admin/reload', { method: 'POST', headers })).status;
};

/** Replaces the part of the file that `startSallyport` did not write. */
const rewrite = (gate: Sallyport, before: string, after: string): void => {
  const file = join(gate.directory, 'sallyport.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(before, after));
};

test('under load, reload after reload, no request fails, and each has the headers of one configuration', async (t) => {
  const [one, two] = [await startRecordingTarget({ owner: t }), await startRecordingTarget({ owner: t })];
  const gate = await startSallyport({ owner: t, config: config(one.url, 'One') });
  const headers = { authorization: `Bearer ${await userToken()}` };
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  t.after(() => agent.destroy());
  let isOver = false;
  const statuses = new Map<number, number>();
  const client = async (): Promise<void> => {
    while (!isOver) {
      const { status } = await request(gate.url, '/x', { headers, agent });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const clients = Promise.all(Array.from({ length: 4 }, client));
  const texts = [config(one.url, 'One'), config(two.url, 'Two')] as const;
  for (let turn = 0; turn < 6; turn++) {
    const [before, next] = turn % 2 === 0 ? texts : [texts[1], texts[0]];
    rewrite(gate, before, next);
    assert.equal(await reload(gate), 200);
    const reached = () => (turn % 2 === 0 ? two : one).calls.length;
    const sofar = reached();
    await until('the next configuration has the requests', () => reached() > sofar);
  }
  isOver = true;
  await clients;
  assert.deepEqual([...statuses.keys()], [200]);
  for (const [target, own, other] of [
    [one, 'X-Team-One', 'X-Team-Two'],
    [two, 'X-Team-Two', 'X-Team-One'],
  ] as const)
    for (const call of target.calls) assert.deepEqual([call.values(own), call.values(other)], [['john'], []]);
});

test('what cannot be loaded changes nothing, and an answer under way ends by the configuration that began it', async (t) => {
  const [one, two] = [await startRecordingTarget({ owner: t }), await startRecordingTarget({ owner: t })];
  const gate = await startSallyport({ owner: t, config: config(one.url, 'One') });
  const headers = { authorization: `Bearer ${await userToken()}` };
  const goOn = Promise.withResolvers<void>();
  one.behave((_request, response) => {
    response.write('begun, ');
    void goOn.promise.then(() => response.end('ended'));
  });
  const outgoing = ask(`${gate.url}/long`, { agent: false, headers }).end();
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
  assert.ok(incoming);

  rewrite(gate, 'X-Team-One', 'Connection');
  assert.equal(await reload(gate), 409);
  rewrite(gate, 'Connection', 'X-Team-One');
  rewrite(gate, one.url, two.url);
  assert.equal(await reload(gate), 200);
  assert.equal((await request(gate.url, '/x', { headers })).status, 200);
  assert.deepEqual([one.calls.length, two.calls.length], [1, 1]);
  goOn.resolve();
  assert.equal(await text(incoming), 'begun, ended');

  rewrite(gate, 'proxy:', 'proxy:\n  enabled: false');
  assert.equal(await reload(gate), 409, 'whether there is a proxy at all is for a restart');
});

test('SIGTERM under load: readiness turns first, requests under way end well, and it exits with 0', async (t) => {
  const target = await startRecordingTarget({ owner: t });
  const gate = await startSallyport({ owner: t, config: config(target.url, 'One') });
  const headers = { authorization: `Bearer ${await userToken()}` };
  const reached = Promise.withResolvers<void>();
  target.behave((incoming, response) => {
    if (incoming.url !== '/long') return void response.end('ok');
    reached.resolve();
    setTimeout(() => response.end('late'), 1_500);
  });
  const long = request(gate.url, '/long', { headers });
  await reached.promise;
  process.kill(gate.pid, 'SIGTERM');
  const isReady = async () => (await request(`http://127.0.0.1:${gate.endpointsPort}`, '/ready')).status === 200;
  await until('readiness turns', async () => !(await isReady()));
  // Until those who balance load have seen that, requests still come.
  for (let n = 0; n < 20; n++) {
    const answer = await request(gate.url, '/x', { headers });
    assert.deepEqual([answer.status, answer.headers.connection], [200, 'close']);
    await pause(10);
  }
  const { status, body } = await long;
  assert.deepEqual([status, body], [200, 'late']);
  assert.equal(await gate.exited(), 'code 0');
});
