/** Credentials of calls that go out are rotated while calls are under way. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as ask, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startVault } from '../peers/vault-server.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';

const owner = { after };
const path = 'secret/data/stripe';
const vault = await startVault({ owner });
const target = await startRecordingTarget({ owner });
vault.put(path, { key: 'canary-old-key' });

const gate = await startSallyport({
  owner,
  config: `
vault: { address: "${vault.url}", auth: { token: "${vault.createToken()}" } }
egress:
  targets:
    stripe:
      url: "${target.url}"
      allow_private: true
      auth: { type: bearer, token: "vault:${path}#key" }
  routes: [{ path_prefix: /ext/stripe, target: stripe, strip_prefix: /ext/stripe }]
`,
});

const reload = async (): Promise<string> => {
  const headers = { Authorization: `Bearer ${adminToken}` };
  const { body } = await request(gate.adminUrl, '/admin/reload', { method: 'POST', headers });
  return JSON.parse(body).outcome;
};

const call = async (): Promise<{ status: number; key: string }> => {
  const { status, body } = await request(gate.url, '/ext/stripe/charges');
  return { status, key: body };
};

/** The target tells with which key it was called. */
const echo = () =>
  target.behave((incoming, response) => {
    response.end(incoming.headers.authorization);
  });

test('a long streaming call survives a reload, and the next call has the new credential', async () => {
  const release = Promise.withResolvers<void>();
  target.behave((_, response) => {
    response.write('begun ');
    void release.promise.then(() => response.end('ended'));
  });
  const outgoing = ask(`${gate.url}/ext/stripe/export`, { agent: false }).end();
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
  assert.ok(incoming);
  const whole = text(incoming);
  vault.put(path, { key: 'canary-new-key' });
  assert.equal(await reload(), 'changed');
  echo();
  assert.deepEqual(await call(), { status: 200, key: 'Bearer canary-new-key' });
  release.resolve();
  assert.equal(await whole, 'begun ended');
});

test('while a secret is rotated and reloaded again and again, every call has one of them and none fails', async () => {
  echo();
  const seen = new Map<string, number>();
  let isOver = false;
  const calling = Promise.all(
    Array.from({ length: 6 }, async () => {
      while (!isOver) {
        const { status, key } = await call();
        const told = `${status} ${key}`;
        seen.set(told, (seen.get(told) ?? 0) + 1);
      }
    }),
  );
  const keys = Array.from({ length: 6 }, (_, round) => `canary-key-${round}`);
  for (const key of keys) {
    vault.put(path, { key });
    assert.equal(await reload(), 'changed');
    // Who calls after the answer to the reload is served by what it has loaded.
    assert.deepEqual(await call(), { status: 200, key: `Bearer ${key}` });
  }
  isOver = true;
  await calling;
  const expected = new Set(['canary-new-key', ...keys].map((key) => `200 Bearer ${key}`));
  assert.deepEqual(
    [...seen.keys()].filter((told) => !expected.has(told)),
    [],
  );
});

test('neither the old nor a new key is in the log', () => assert.ok(!gate.output().includes('canary')));
