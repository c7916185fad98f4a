/** The whole service, its secrets in a server made from Vault's documentation. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startJwksServer } from '../peers/jwks-server.ts';
import { startVault } from '../peers/vault-server.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const owner = { after };
const vault = await startVault({ owner });
const issuer = await startJwksServer({ owner, algorithms: ['RS256'] });
const path = 'secret/data/issuer';
const secrets = ['first', 'second', 'third', 'fourth'].map((name) => `canary-${name}-`.padEnd(40, 'x'));
const [first = '', second = '', third = '', fourth = ''] = secrets;
vault.put(path, { hs: first });

const login = `auth: { app_role: { role_id: "${vault.roleId}", secret_id: "${vault.secretId}" } }`;
const config = `
vault: { address: "${vault.url}", refresh_interval: 1s, ${login} }
jwt: { issuers: [{ name: own, issuer: "${issuer.url}", audience: api, algorithms: [HS256], secret: "vault:${path}#hs" }] }
rules: [{ name: api, match: { path: "/api/**" }, accept: [jwt] }]
`;
const gate = await startSallyport({ owner, config });

const answers: string[] = [];
const keep = <T extends { body: string }>(answer: T): T => {
  answers.push(answer.body);
  return answer;
};
const admin = async (method: string, target: string) =>
  keep(await request(gate.adminUrl, target, { method, headers: { Authorization: `Bearer ${adminToken}` } }));
const status = async () => JSON.parse((await admin('GET', '/admin/status')).body).replicas[0];

const tokenBy = (secret: string) =>
  issuer.sign({ aud: 'api', sub: 'ann' }, { alg: 'HS256', key: Buffer.from(secret), header: { kid: undefined } });
const ask = async (token: string): Promise<number> =>
  (await request(gate.url, '/auth/native/api/x', { headers: { Authorization: `Bearer ${token}` } })).status;

const [oldToken, newToken] = [await tokenBy(first), await tokenBy(second)];

test('a secret that is rotated in Vault is taken over by a reload while requests run: each sees the old or the new one', async () => {
  assert.deepEqual([await ask(oldToken), await ask(newToken)], [200, 401]);
  const seen: (readonly [before: number, after: number])[] = [];
  let isOver = false;
  const asking = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!isOver) seen.push([await ask(oldToken), await ask(newToken)]);
    }),
  );
  vault.put(path, { hs: second });
  const { body } = await admin('POST', '/admin/reload');
  assert.deepEqual([await ask(oldToken), await ask(newToken)], [401, 200]);
  isOver = true;
  await asking;
  assert.ok(['changed', 'unchanged'].includes(JSON.parse(body).outcome), body);
  const statuses = new Set(seen.flat());
  assert.deepEqual(
    [...statuses].filter((one) => one !== 200 && one !== 401),
    [],
  );
  // Whoever was refused with the old token was let in with the new one, asked right after.
  assert.deepEqual(
    seen.filter(([before, afterwards]) => before === 401 && afterwards !== 200),
    [],
  );
});

test('a secret that changes in Vault is found by itself, and the generation stays', async () => {
  const { generation } = await status();
  vault.put(path, { hs: third });
  const token = await tokenBy(third);
  await until('the new secret is in use', async () => (await ask(token)) === 200);
  assert.equal((await status()).generation, generation);
  assert.equal(await ask(newToken), 401);
});

test('while Vault is sealed the last good secrets are used, readiness says so, and a reload is refused with the reason', async () => {
  vault.seal(true);
  const token = await tokenBy(third);
  await until('the refresh fails', async () => (await status()).secrets_problem !== null);
  assert.equal(await ask(token), 200);
  const ready = await request(gate.url, '/ready');
  assert.equal(ready.status, 200);
  const part = JSON.parse(ready.body).parts.find(({ name }: { name: string }) => name === 'vault');
  assert.match(part.problem, /jwt\.issuers\[0\]\.secret: vault:secret\/data\/issuer#hs: Vault is sealed/);
  const { status: refused, body } = await admin('POST', '/admin/reload');
  assert.deepEqual([refused, /Vault is sealed/.test(body)], [409, true]);
  vault.seal(false);
  await until('secrets are read again', async () => (await status()).secrets_problem === null);
});

test('a value that cannot be used is refused with its key, and the old one stays', async () => {
  vault.put(path, { hs: 'canary-short' });
  await until('it is found', async () => (await status()).secrets_problem !== null);
  assert.match((await status()).secrets_problem, /jwt\.issuers\[0\]\.secret: too short/);
  assert.equal(await ask(await tokenBy(third)), 200);
  vault.put(path, { hs: fourth });
  await until('it is good again', async () => (await status()).secrets_problem === null);
});

test('Vault sealed at the start is a clear refusal to start', async () => {
  vault.seal(true);
  const starting = startSallyport({ owner, config });
  await assert.rejects(starting, /jwt\.issuers\[0\]\.secret: vault:secret\/data\/issuer#hs: Vault is sealed/);
  vault.seal(false);
});

test('the age of secrets is a metric', async () => {
  const { body } = keep(await request(gate.url, '/metrics'));
  const age = Number(/^sallyport_vault_secret_age_seconds ([\d.]+)$/m.exec(body)?.[1]);
  assert.ok(age >= 0 && age < 30, String(age));
});

test('no log line, answer, status or metric shows a secret: raw, in base64 or in an URL', async () => {
  await admin('GET', '/api/openapi.json');
  const told = [gate.output(), ...answers].join('\n');
  const planted = [...secrets, 'canary-short', vault.secretId, vault.roleId, ...vault.tokens(), adminToken];
  const forms = planted.flatMap((secret) => [
    secret,
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('base64url'),
    encodeURIComponent(secret),
  ]);
  assert.deepEqual(
    forms.filter((form) => told.includes(form)),
    [],
  );
  assert.ok(told.length > 1_000);
});
