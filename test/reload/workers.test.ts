import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SignJWT } from 'jose';
import { startVault } from '../peers/vault-server.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';

const owner = { after };

/** Two rules that open one path each: a request sees the one configuration or the other. */
const rules = (open: string, shut: string) => `rules:
  - { name: a, match: { path: "/${open}/**" }, accept: [anonymous] }
  - { name: b, match: { path: "/${shut}/**" }, accept: [api_key] }
  - { name: c, match: { path: "/jwt/**" }, accept: [jwt] }
`;

const [oldRules, newRules] = [rules('old', 'new'), rules('new', 'old')];
const vault = await startVault({ owner });
const secrets = ['one', 'two'].map((name) => `canary-${name}-`.padEnd(40, 'x'));
const [oldSecret = '', newSecret = ''] = secrets;
vault.put('secret/data/issuer', { hs: oldSecret });
const config = `workers: 3
vault: { address: "${vault.url}", auth: { token: "${vault.createToken()}" } }
jwt: { issuers: [{ name: own, issuer: own, audience: api, algorithms: [HS256], secret: "vault:secret/data/issuer#hs" }] }
${oldRules}`;
const gate = await startSallyport({ owner, config });
const readyAtMs = Date.now();
const file = join(gate.directory, 'sallyport.yaml');
const frame = readFileSync(file, 'utf8').replace(oldRules, '');
/** As a whole, for a reload may come at any moment. */
const write = (text: string): void => {
  writeFileSync(`${file}.new`, `${frame}${text}`);
  renameSync(`${file}.new`, file);
};

/** Each on a connection of its own, which go to the workers in turn. */
const ask = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
  (await request(gate.url, `/auth/native${path}`, { headers })).status;
const everywhere = async (path: string, headers = {}): Promise<Set<number>> =>
  new Set(await Promise.all(Array.from({ length: 12 }, () => ask(path, headers))));
const tokenBy = (secret: string): Promise<string> =>
  new SignJWT({ sub: 'ann' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('own')
    .setAudience('api')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(Buffer.from(secret));

const admin = async (method: string, path: string) => {
  const { status, body } = await request(gate.adminUrl, path, {
    method,
    headers: { Authorization: `Bearer ${adminToken}` },
  });
  return { status, body: JSON.parse(body) };
};
const generation = async (): Promise<number> => (await admin('GET', '/admin/status')).body.replicas[0].generation;

const workersOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

test('a reload that one worker is asked for reaches all before it is answered', async () => {
  write(newRules);
  const { status, body } = await admin('POST', '/admin/reload');
  assert.deepEqual([status, body.outcome, body.generation], [200, 'changed', 2]);
  assert.deepEqual([await everywhere('/new/x'), await everywhere('/old/x')], [new Set([200]), new Set([401])]);
});

test('a secret of Vault is read once for all workers, and rotated for all of them', async () => {
  const [byOld, byNew] = await Promise.all([tokenBy(oldSecret), tokenBy(newSecret)]);
  const both = async () => [
    await everywhere('/jwt/x', { Authorization: `Bearer ${byOld}` }),
    await everywhere('/jwt/x', { Authorization: `Bearer ${byNew}` }),
  ];
  assert.deepEqual(await both(), [new Set([200]), new Set([401])]);
  const reads = vault.asked('GET secret/data/issuer');
  vault.put('secret/data/issuer', { hs: newSecret });
  assert.equal((await admin('POST', '/admin/reload')).body.outcome, 'changed');
  assert.deepEqual(await both(), [new Set([401]), new Set([200])]);
  assert.equal(vault.asked('GET secret/data/issuer'), reads + 1);
  assert.deepEqual(
    secrets.filter((secret) => gate.output().includes(secret)),
    [],
  );
});

test('a storm of SIGHUPs ends in the state of the file, and no request fails or sees a mixture', async () => {
  let isOver = false;
  const seen = new Set<number>();
  const asking = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) for (const path of ['/old/x', '/new/x']) seen.add(await ask(path));
    }),
  );
  for (let round = 0; round < 40; round++) {
    write(round % 2 === 0 ? oldRules : newRules);
    process.kill(gate.pid, 'SIGHUP');
    await ask('/old/x');
  }
  write(newRules);
  const { body } = await admin('POST', '/admin/reload');
  isOver = true;
  await asking;
  assert.notEqual(body.outcome, undefined);
  assert.deepEqual([await everywhere('/new/x'), await everywhere('/old/x')], [new Set([200]), new Set([401])]);
  assert.deepEqual([...seen].sort(), [200, 401]);
});

test('a broken file is refused by all, and a worker that dies then is followed by one with the rules in use', async () => {
  write(`${oldRules}nonsense: 1\n`);
  const { status, body } = await admin('POST', '/admin/reload');
  assert.deepEqual([status, /nonsense: unknown key/.test(body.detail)], [409, true]);
  // One that dies right after its start is taken for one that cannot start.
  await until('the workers are some seconds old', () => Date.now() - readyAtMs > 5_100, { deadlineMs: 15_000 });
  const [first = 0] = workersOf(gate.pid);
  process.kill(first, 'SIGKILL');
  await until('another worker is there', () => {
    const now = workersOf(gate.pid);
    return now.length === 3 && !now.includes(first);
  });
  await until('all answer by the rules in use', async () => (await everywhere('/new/x')).size === 1);
  assert.deepEqual([await everywhere('/new/x'), await everywhere('/old/x')], [new Set([200]), new Set([401])]);
});

test('a worker that is killed in the middle of a reload keeps nobody from it', async () => {
  write(oldRules);
  const before = await generation();
  const reloading = admin('POST', '/admin/reload');
  const [, second = 0] = workersOf(gate.pid);
  process.kill(gate.pid, 'SIGHUP');
  process.kill(second, 'SIGKILL');
  // It may have been the one that was to answer.
  await reloading.catch(() => undefined);
  await until('the reload is there', async () => (await generation()) > before);
  await until('all workers are there', () => workersOf(gate.pid).length === 3);
  await until('all answer by the rules of the file', async () => (await everywhere('/old/x')).size === 1);
  assert.deepEqual([await everywhere('/old/x'), await everywhere('/new/x')], [new Set([200]), new Set([401])]);
});

test('metrics tell of one service, not of each worker', async () => {
  let body = '';
  await until('all workers tell theirs', async () => {
    const answer = await request(gate.url, '/metrics');
    ({ body } = answer);
    return answer.status === 200;
  });
  assert.match(body, new RegExp(`^sallyport_config_generation ${await generation()}$`, 'm'));
  assert.match(body, /^sallyport_config_reloads_total\{result="refused"\} 1$/m);
});
