import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { startVault, type VaultServer } from '../../test/peers/vault-server.ts';
import { createWorkdir } from '../../test/servers/workdir.ts';
import { loadConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { Secret } from '../core/secret.ts';
import { createSecretLoader } from './vault.ts';

const owner = { after };
const { path: folder } = createWorkdir('vault', owner);
let nowMs = Date.parse('2026-11-22T00:00:00Z');
const now = () => nowMs;
const vault = await startVault({ owner, now, ttlS: 600, maxTtlS: 1_500 });
const path = 'secret/data/sallyport';
const admin = 'a-token-that-is-long-enough';

const write = (text: string): string => {
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(file, text);
  return file;
};

const loaderOf = (text: string, env: Readonly<Record<string, string>> = {}) => {
  const file = write(text);
  return createSecretLoader((recording) => loadConfig({ path: file, env, recording }), now);
};

const at = (auth: string, server: VaultServer = vault) => `vault: { address: "${server.url}", auth: ${auth} }\n`;
const byRole = at(`{ app_role: { role_id: "${vault.roleId}", secret_id: "${vault.secretId}" } }`);
const referring = `admin: { token: "vault:${path}#admin", usage_token: "vault:${path}#usage" }\n`;

const put = (data: Readonly<Record<string, unknown>> = { admin, usage: `${admin}-usage` }) => vault.put(path, data);

const jwtFile = join(folder, 'jwt');
writeFileSync(jwtFile, `${vault.serviceAccountJwt}\n`);

const problemsOf = async (loading: Promise<unknown>): Promise<string[]> => {
  const error = await loading.then(
    () => assert.fail('it loaded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ConfigError, String(error));
  return error.message.split('\n').map((line) => line.replace(/^.*sallyport\.yaml/, 'sallyport.yaml'));
};

const ways: readonly (readonly [how: string, auth: string, env?: Record<string, string>])[] = [
  ['a token', at(`{ token: "${vault.createToken()}" }`)],
  ['AppRole', byRole],
  ['the service account of a pod', at(`{ kubernetes: { role: sallyport, jwt_file: "${jwtFile}" } }`)],
  ['VAULT_ADDR and VAULT_TOKEN alone', '', { VAULT_ADDR: vault.url, VAULT_TOKEN: vault.createToken() }],
];

for (const [how, yaml, env] of ways) {
  test(`a server made from Vault's documentation gives secrets by ${how}, each path asked once`, async () => {
    put();
    const before = vault.asked(`GET ${path}`);
    const loader = loaderOf(yaml + referring, env);
    const { config } = await loader.load();
    assert.ok(config.admin?.token instanceof Secret);
    assert.equal(config.admin.token.reveal(), admin);
    assert.equal(vault.asked(`GET ${path}`) - before, 1);
    await loader.close();
  });
}

test('a token of our own is given back, one that was given stays', async () => {
  put();
  const given = vault.createToken();
  const before = vault.tokens().length;
  for (const yaml of [byRole, at(`{ token: "${given}" }`)]) {
    const loader = loaderOf(yaml + referring);
    await loader.load();
    await loader.close();
  }
  assert.equal(vault.tokens().length, before);
  assert.ok(vault.tokens().includes(given));
});

// biome-ignore format: a table is read by its columns
const refused: readonly (readonly [what: string, data: Record<string, unknown> | undefined, problem: RegExp])[] = [
  ['a key that is not there',     { usage: `${admin}-usage` },              /^sallyport\.yaml:2:17 admin\.token: vault:secret\/data\/sallyport#admin: the secret has no key "admin"$/],
  ['a value that is no text',     { admin: 5, usage: `${admin}-usage` },    /admin\.token: .*: not text$/],
  ['a line break in a value',     { admin: 'a\nb', usage: `${admin}-usage` }, /admin\.token: .*: holds a line break/],
  ['a value that is too short',   { admin: 'short', usage: `${admin}-usage` }, /admin\.token: too short; expected at least 16 characters/],
  ['an empty value',              { admin: '', usage: `${admin}-usage` },   /admin\.token: .*: empty/],
  ['a version that is deleted',   undefined,                                /admin\.token: .*: its latest version is deleted or destroyed/],
];

for (const [what, data, problem] of refused) {
  test(`refused with file, line and key: ${what}`, async () => {
    put();
    vault.put(path, data);
    const loader = loaderOf(byRole + referring);
    assert.match((await problemsOf(loader.load()))[0] ?? '', problem);
    await loader.close();
  });
}

test('all secrets that cannot be had are named at once', async () => {
  put({});
  const loader = loaderOf(`${byRole}${referring}redis: { address: "r:1", password: "vault:secret/data/none#x" }\n`);
  const problems = await problemsOf(loader.load());
  assert.equal(problems.length, 3);
  assert.match(
    problems[2] ?? '',
    /^sallyport\.yaml:3:36 redis\.password: .*: Vault has nothing at secret\/data\/none \(404\)/,
  );
  await loader.close();
});

test('a reference without a Vault is named; a file is valid without asking one', async () => {
  assert.match(
    (await problemsOf(loaderOf(referring).load()))[0] ?? '',
    /admin\.token: is in Vault, but no Vault is named/,
  );
  assert.ok(loadConfig({ path: write(byRole + referring), env: {} }).config.vault);
});

// biome-ignore format: a table is read by its columns
const wrongBlocks: readonly (readonly [what: string, yaml: string, problem: RegExp])[] = [
  ['no way to log in',       at('{}'),                                                    /vault\.auth: no way to log in/],
  ['two ways to log in',     at('{ token: a, kubernetes: { role: b } }'),                 /more than one way to log in: token, kubernetes/],
  ['its own token in Vault', at('{ token: "vault:secret/data/x#y" }'),                    /vault\.auth\.token: cannot be in Vault itself/],
  ['plain http far away',    'vault: { address: "http://vault.example.com", auth: { token: a } }', /vault\.address: plain http/],
  ['a path that climbs',     'admin: { token: "vault:secret/data/../x#y" }',              /admin\.token: not a Vault reference/],
];

for (const [what, yaml, problem] of wrongBlocks) {
  test(`refused: ${what}`, async () => assert.match((await problemsOf(loaderOf(yaml).load())).join('\n'), problem));
}

test('a sealed Vault, one that is away, and one that refuses the login are told apart', async () => {
  put();
  vault.seal(true);
  assert.match((await problemsOf(loaderOf(byRole + referring).load()))[0] ?? '', /Vault is sealed/);
  vault.seal(false);
  await vault.outage();
  assert.match(
    (await problemsOf(loaderOf(byRole + referring).load()))[0] ?? '',
    /Vault does not answer: .*ECONNREFUSED/,
  );
  await vault.recover();
  const wrong = at(`{ app_role: { role_id: "${vault.roleId}", secret_id: wrong-secret } }`);
  const refusal = (await problemsOf(loaderOf(wrong + referring).load()))[0] ?? '';
  assert.match(refusal, /Vault refuses the login at auth\/approle \(400\)/);
  assert.ok(!refusal.includes('wrong-secret'));
});

test('what the policy does not allow is named by its path, and costs no login an hour but one; no token is left behind', async () => {
  put();
  const before = vault.tokens().length;
  vault.deny(path, true);
  const loader = loaderOf(byRole + referring);
  const refused = async () =>
    assert.match((await problemsOf(loader.load()))[0] ?? '', /Vault does not allow to read it \(403\)/);
  const logins = () => vault.asked('POST auth/approle/login');
  const loggedIn = logins();
  for (let refresh = 0; refresh < 10; refresh++) await refused();
  assert.equal(logins(), loggedIn + 1);
  vault.deny(path, false);
  await loader.load();
  await loader.close();
  assert.equal(vault.tokens().length, before);
});

test('after an hour of one token, a login finds out whether its role may read more by now', async () => {
  const lasting = await startVault({ owner, now });
  const loader = loaderOf(
    at(`{ app_role: { role_id: "${lasting.roleId}", secret_id: "${lasting.secretId}" } }`, lasting) + referring,
  );
  lasting.put(path, { admin, usage: `${admin}-usage` });
  await loader.load();
  lasting.deny(path, true);
  nowMs += 2_400_000;
  await loader.keepAlive();
  nowMs += 1_200_000;
  for (let refresh = 0; refresh < 3; refresh++) await assert.rejects(loader.load(), /does not allow/);
  assert.equal(lasting.asked('POST auth/approle/login'), 2);
  await loader.close();
});

test('a token is renewed at two thirds of its life, and replaced where its longest life comes to an end', async () => {
  put();
  const loader = loaderOf(byRole + referring);
  await loader.load();
  const before = vault.tokens().length - 1;
  const renewals = () => vault.asked('POST auth/token/renew-self');
  const logins = () => vault.asked('POST auth/approle/login');
  const [renewed, loggedIn] = [renewals(), logins()];
  nowMs += 399_000;
  await loader.keepAlive();
  assert.equal(renewals(), renewed);
  nowMs += 1_000;
  await loader.keepAlive();
  assert.deepEqual([renewals(), logins()], [renewed + 1, loggedIn]);
  for (let round = 0; round < 4; round++) {
    nowMs += 401_000;
    await loader.keepAlive();
    await loader.load();
  }
  assert.equal(logins(), loggedIn + 1);
  await loader.close();
  assert.equal(vault.tokens().length, before, 'the one that was replaced is given back as well');
});

test('a token that was revoked is replaced by a login, without anybody noticing', async () => {
  put();
  const loader = loaderOf(byRole + referring);
  await loader.load();
  vault.revokeAll();
  await loader.load();
  await loader.close();
});

test('a given token that ends is told, and is not replaced', async () => {
  put();
  const loader = loaderOf(at(`{ token: "${vault.createToken({ ttlS: 60 })}" }`) + referring);
  await loader.load();
  nowMs += 61_000;
  assert.match((await problemsOf(loader.load()))[0] ?? '', /Vault refuses the token of vault\.auth\.token \(403\)/);
  await loader.close();
});

test('the namespace goes along with login and secrets', async (t) => {
  const other = await startVault({ owner: { after: (end) => t.after(end) }, now, namespace: 'team/a' });
  other.put(path, { admin, usage: admin });
  const login = `{ app_role: { role_id: "${other.roleId}", secret_id: "${other.secretId}" } }`;
  const yaml = `vault: { address: "${other.url}", namespace: team/a, auth: ${login} }\n${referring}`;
  const loader = loaderOf(yaml);
  await loader.load();
  assert.match(
    (await problemsOf(loaderOf(yaml.replace('namespace: team/a,', '')).load()))[0] ?? '',
    /refuses the login/,
  );
  await loader.close();
});

test('secrets alone are loaded again: the file stays as it was, whatever it says meanwhile', async () => {
  put();
  const loader = loaderOf(byRole + referring);
  const { recording } = await loader.load();
  write('nonsense: 1');
  put({ admin: `${admin}-2`, usage: admin });
  const { config } = await loader.load(recording);
  assert.ok(config.admin?.token instanceof Secret);
  assert.equal(config.admin.token.reveal(), `${admin}-2`);
  await loader.close();
});

test('of secrets alone those stay that only a restart takes over, and hold back no others', async () => {
  put({ admin, usage: admin, redis: 'redis-1' });
  const loader = loaderOf(`${byRole}${referring}redis: { address: "r:1", password: "vault:${path}#redis" }\n`);
  const { recording } = await loader.load();
  put({ admin: `${admin}-2`, usage: admin, redis: 'redis-2' });
  const reveal = (value: unknown) => (value instanceof Secret ? value.reveal() : value);
  const shown = async (given?: Secret) => {
    const { config } = await loader.load(given);
    return [reveal(config.admin?.token), reveal(config.redis?.password)];
  };
  assert.deepEqual(await shown(recording), [`${admin}-2`, 'redis-1']);
  assert.deepEqual(await shown(), [`${admin}-2`, 'redis-2']);
  await loader.close();
});

test('what was loaded shows no secret of Vault', async () => {
  put();
  const loader = loaderOf(byRole + referring);
  const loaded = await loader.load();
  const shown = `${inspect(loaded, { depth: 20, showHidden: true })}${JSON.stringify(loaded)}`;
  for (const canary of [admin, vault.secretId, Buffer.from(admin).toString('base64').slice(0, 20)]) {
    assert.ok(!shown.includes(canary));
  }
  assert.ok(readFileSync(join(folder, 'sallyport.yaml'), 'utf8').includes(vault.secretId));
  await loader.close();
});
