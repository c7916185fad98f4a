/** One request that a proxy asks about twice takes one credit of its key, and no two requests take one. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startEchoApp } from '../peers/echo-app.ts';
import { example } from '../proxies/line-up.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { startNginx } from '../servers/nginx.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';

const start = (within: string, trusted = '127.0.0.1') =>
  startSallyport({
    owner: { after },
    config: `
trusted_proxies: ["${trusted}"]
api_keys: { debit_once_within: ${within} }
rules: [{ name: api, match: { path: "/api/**" }, accept: [api_key] }]`,
  });

const [once, always, distrustful] = await Promise.all([start('10s'), start('0s'), start('10s', '192.0.2.1')]);

/** What the key has left after each of the questions, which are asked one after the other. */
const leftAfter = async (gate: Sallyport, questions: readonly (readonly [id: string, path: string])[]) => {
  const { key } = await gate.createKey({ credits: { remaining: 10 } });
  const left = [];
  for (const [id, path] of questions) {
    const { headers } = await request(gate.url, `/auth/native${path}`, {
      headers: { 'X-API-Key': key, 'X-Request-ID': id },
    });
    left.push(Number(headers['x-credits-remaining']));
  }
  return left;
};

const asked = [
  ['a', '/api/1'],
  ['a', '/api/1'],
  ['b', '/api/1'],
  ['a', '/api/2'],
  ['a', '/api/1?x'],
] as const;

for (const [title, gate, expected] of [
  ['one credit for one id, address and query', once, [9, 9, 8, 7, 6]],
  ['unless the operator says that the proxy makes the ids, one for every question', always, [9, 8, 7, 6, 5]],
  ['one for every question of whoever is no trusted proxy', distrustful, [9, 8, 7, 6, 5]],
] as const) {
  test(title, async () => assert.deepEqual(await leftAfter(gate, asked), expected));
}

test('a question without an id is never a repetition', async () => {
  const { key } = await once.createKey({ credits: { remaining: 10 } });
  const ask = () => request(once.url, '/auth/native/api/1', { headers: { 'X-API-Key': key } });
  assert.deepEqual(
    [(await ask()).headers['x-credits-remaining'], (await ask()).headers['x-credits-remaining']],
    ['9', '8'],
  );
});

test('an nginx that asks again after a redirect of its own takes one credit a request', needs('nginx'), async (t) => {
  const app = await startEchoApp({ owner: t });
  const plain = 'location / {\n        proxy_pass http://application;';
  const config = example('nginx/challenge.conf').replace(
    plain,
    `location / { try_files /none @application; }\n    location @application {\n        proxy_pass http://application;`,
  );
  assert.ok(!config.includes(plain));
  const told = [];
  for (const gate of [once, always]) {
    const ports = { '127.0.0.1:8080': gate.port, '127.0.0.1:3000': app.port };
    const { url } = await startNginx({ config, ports, owner: t });
    const { key } = await gate.createKey({ credits: { remaining: 10 } });
    // A client's own id is not handed on.
    const ask = () => request(url, '/api/1', { headers: { 'X-API-Key': key, 'X-Request-ID': 'own' } });
    for (const answer of [await ask(), await ask()]) told.push([answer.status, answer.headers['x-credits-remaining']]);
  }
  assert.deepEqual(told, [
    [200, '9'],
    [200, '8'],
    [200, '8'],
    [200, '6'],
  ]);
});
