import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startJwksServer } from '../peers/jwks-server.ts';
import { adminToken, startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';

const owner = { after };
const [users, partners] = await Promise.all([0, 1].map(() => startJwksServer({ owner, algorithms: ['RS256'] })));
assert.ok(users && partners);

const issuer = (name: string, { issuer: { url }, jwksUrl }: typeof users) =>
  `{ name: ${name}, issuer: "${url}", audience: api, jwks_url: "${jwksUrl}" }`;
const config = (issuers: readonly string[], rule = '/api/**') =>
  `jwt: { issuers: [${issuers.join(', ')}] }\nrules: [{ name: api, match: { path: "${rule}" }, accept: [jwt] }]\n`;

const first = config([issuer('users', users)]);
const gate = await startSallyport({ owner, config: first });
const file = join(gate.directory, 'sallyport.yaml');
const frame = readFileSync(file, 'utf8').replace(first, '');

const call = async (method: string, path: string, token = adminToken) => {
  const { status, body } = await request(gate.adminUrl, path, {
    method,
    headers: { Authorization: `Bearer ${token}` },
  });
  return { status, body: body === '' ? undefined : JSON.parse(body) };
};
const reload = (text: string, token = adminToken) => {
  writeFileSync(file, `${frame}${text}`);
  return call('POST', '/admin/reload', token);
};
const ask = async (token: string, path = '/api/x'): Promise<number> =>
  (await request(gate.url, `/auth/native${path}`, { headers: { Authorization: `Bearer ${token}` } })).status;

const [byUsers, byPartners] = await Promise.all([users, partners].map((one) => one.sign({ aud: 'api', sub: 'ann' })));
assert.ok(byUsers && byPartners);

test('a new issuer is believed from the reload on, its keys fetched before', async () => {
  assert.deepEqual([await ask(byUsers), await ask(byPartners)], [200, 401]);
  assert.equal((await reload(config([issuer('users', users), issuer('partners', partners)]))).status, 200);
  assert.deepEqual([await ask(byUsers), await ask(byPartners)], [200, 200]);
});

test('an issuer that stays keeps its keys, though it is away and the rules change', async () => {
  const fetches = users.fetches();
  await users.outage();
  const both = [issuer('users', users), issuer('partners', partners)];
  assert.equal((await reload(config(both, '/v2/**'))).status, 200);
  assert.deepEqual([await ask(byUsers, '/v2/x'), users.fetches()], [200, fetches]);
  await users.recover();
});

test('a token that was verified before is refused once its issuer has gone', async () => {
  assert.equal(await ask(byPartners, '/v2/x'), 200);
  assert.equal((await reload(config([issuer('users', users)], '/v2/**'))).status, 200);
  assert.equal(await ask(byPartners, '/v2/x'), 401);
});

test('a new issuer whose keys cannot be fetched is refused with its place, and nothing else is taken over', async () => {
  const nowhere = issuer('nowhere', users)
    .replace(users.jwksUrl, `${users.url}/nothing`)
    .replace(users.issuer.url, 'x');
  const { status, body } = await reload(config([issuer('users', users), nowhere], '/v3/**'));
  assert.equal(status, 409);
  assert.match(
    body.detail,
    /sallyport\.yaml:4:\d+ jwt\.issuers\[1\]: the keys of the issuer nowhere cannot be fetched: .* answered 404/,
  );
  assert.deepEqual([await ask(byUsers, '/v2/x'), await ask(byUsers, '/v3/x')], [200, 403]);
});

test('a new admin token opens at once, and the old one no more', async () => {
  const token = 'another-admin-token-for-the-tests';
  writeFileSync(file, `${frame.replace(adminToken, token)}${config([issuer('users', users)], '/v2/**')}`);
  assert.equal((await call('POST', '/admin/reload')).status, 200);
  assert.equal((await call('GET', '/admin/status')).status, 401);
  assert.equal((await call('GET', '/admin/status', token)).status, 200);
  assert.ok(!gate.output().includes(token));
});
