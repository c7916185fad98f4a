/** The admin API against the process itself, by status code. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import { adminToken, startSallyport } from '../sallyport.ts';
import { parseAnswers, sendRaw } from '../servers/raw-http.ts';
import { type Answered, request } from '../servers/request.ts';

const gate = await startSallyport({
  owner: { after },
  config: 'rules: [{ name: api, match: { path: "/api/**" }, accept: [api_key] }]',
});

const token = { Authorization: `Bearer ${adminToken}` };
const json = { ...token, 'Content-Type': 'application/json' };

type Call = Readonly<{ method?: string; headers?: Readonly<Record<string, string>>; body?: string }>;
const call = (path: string, { method = 'GET', headers = token, body }: Call = {}): Promise<Answered> =>
  request(gate.adminUrl, path, { method, headers, ...(body === undefined ? {} : { body }) });
const create = (body: unknown, headers: Readonly<Record<string, string>> = json) =>
  call('/api/keys', { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

const assertProblem = (answer: Answered, status: number, code: string): void => {
  assert.equal(answer.status, status, answer.body);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  const problem = JSON.parse(answer.body);
  assert.deepEqual(
    [problem.status, problem.code, typeof problem.title, typeof problem.detail],
    [status, code, 'string', 'string'],
  );
  assert.equal(problem.type, `urn:sallyport:problem:${code}`);
};

const asks = (key: string) => request(gate.url, '/auth/native/api/x', { headers: { Authorization: `Bearer ${key}` } });

test('the calls of seed 003, with the token: create, use, list, delete', async () => {
  const curl = (...args: string[]) =>
    execFileSync('curl', ['-sS', '-i', '-H', `Authorization: Bearer ${adminToken}`, ...args], { encoding: 'utf8' });
  const created = curl(
    '-X',
    'POST',
    `${gate.adminUrl}/api/keys`,
    '-H',
    'Content-Type: application/json',
    '-d',
    `{
    "user_id": "user123",
    "name": "My API Key",
    "rate_limit_per_minute": 100,
    "rate_limit_per_day": 10000
  }`,
  );
  assert.match(created, /^HTTP\/1.1 201 Created/);
  const { key, id, ...shown } = JSON.parse(created.slice(created.indexOf('\r\n\r\n')));
  assert.match(key, /^sk-/);
  const { hint: _, created_at: at, ...rest } = shown;
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
  assert.deepEqual(rest, {
    status: 'active',
    user_id: 'user123',
    name: 'My API Key',
    rate_limit_per_minute: 100,
    rate_limit_per_day: 10_000,
    scopes: [],
    metadata: {},
    allowed_ips: [],
    customer_id: null,
    credits: null,
    expires_at: null,
    disabled_at: null,
    revoked_at: null,
  });
  assert.equal((await asks(key)).status, 200);
  const listed = JSON.parse((await call('/api/keys/user123')).body);
  assert.deepEqual(listed.keys, [{ id, ...shown }]);
  assert.match(curl('-X', 'DELETE', `${gate.adminUrl}/api/keys/${id}`), /^HTTP\/1.1 204 No Content/);
  assert.equal((await asks(key)).status, 401);
  const [tombstone] = JSON.parse((await call('/api/keys/user123')).body).keys;
  assert.equal(typeof tombstone.revoked_at, 'string');
  assert.equal((await call(`/api/keys/${id}`, { method: 'DELETE' })).status, 204, 'once more changes nothing');
});

// biome-ignore format: a table is read by its columns
const accepted: readonly (readonly [what: string, body: object, shown: object])[] = [
  ['the least', { user_id: 'u', name: 'n' }, { rate_limit_per_minute: 1000, rate_limit_per_day: 100_000, scopes: [], metadata: {} }],
  ['no limits', { user_id: 'u', name: 'n', rate_limit_per_minute: null, rate_limit_per_day: null }, { rate_limit_per_minute: null, rate_limit_per_day: null }],
  ['the least limits', { user_id: 'u', name: 'n', rate_limit_per_minute: 1, rate_limit_per_day: 1 }, { rate_limit_per_minute: 1, rate_limit_per_day: 1 }],
  ['the highest limits', { user_id: 'u', name: 'n', rate_limit_per_minute: 1e9, rate_limit_per_day: 1e9 }, { rate_limit_per_minute: 1e9 }],
  ['scopes and metadata', { user_id: 'u', name: 'n', scopes: ['a:b', 'c'], metadata: { roles: ['x'], deep: { a: [1, null, true] } } }, { scopes: ['a:b', 'c'], metadata: { roles: ['x'], deep: { a: [1, null, true] } } }],
  ['another script', { user_id: 'ジョン 😀', name: 'Ключ' }, { user_id: 'ジョン 😀', name: 'Ключ' }],
  ['the longest names', { user_id: 'x'.repeat(256), name: 'y'.repeat(256) }, { user_id: 'x'.repeat(256) }],
  ['names of objects', { user_id: '__proto__', name: 'constructor', metadata: { constructor: 'x', toString: 'y' } }, { user_id: '__proto__', metadata: { constructor: 'x', toString: 'y' } }],
];

for (const [what, body, shown] of accepted) {
  test(`201: ${what}`, async () => {
    const answer = await create(body);
    assert.equal(answer.status, 201, answer.body);
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
    const created = JSON.parse(answer.body);
    for (const [name, value] of Object.entries(shown)) assert.deepEqual(created[name], value, name);
    assert.equal((await asks(created.key)).status, 200);
  });
}

const valid = { user_id: 'u', name: 'n' };
const nested = (depth: number) =>
  `{"user_id":"u","name":"n","metadata":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`;

// biome-ignore format: a table is read by its columns
const refused: readonly (readonly [what: string, body: unknown])[] = [
  ...['', ' ', '{', '[', 'null', '[]', '7', '"x"', 'true', '{"user_id":"u","name":"n"', '{"user_id":"u","name":"n"}x', '{user_id:"u"}', '\u0000', '{"user_id":"u","name":"n",}', 'NaN'].map((body) => [`the body ${JSON.stringify(body)}`, body] as const),
  ['no user_id', { name: 'n' }], ['no name', { user_id: 'u' }],
  ...[null, 7, true, '', [], {}, ['u'], 'x'.repeat(257), 'a\nb', 'a\u0000', 'a\u001b[31m', 'a\u007f', 'a\u0085', ' u', 'u ', '\u00a0u', '\t', ' '].map((user_id) => [`user_id ${JSON.stringify(user_id).slice(0, 30)}`, { ...valid, user_id }] as const),
  ['half a character in user_id', '{"user_id":"u\\ud800","name":"n"}'],
  ...[null, 7, '', 'a\r\nSet-Cookie: x', 'x'.repeat(257)].map((name) => [`name ${JSON.stringify(name).slice(0, 30)}`, { ...valid, name }] as const),
  ...[0, -1, 1.5, '100', true, [], {}, 1e9 + 1].map((limit) => [`rate_limit_per_minute ${JSON.stringify(limit)}`, { ...valid, rate_limit_per_minute: limit }] as const),
  ['a limit beyond all numbers', '{"user_id":"u","name":"n","rate_limit_per_day":1e999}'],
  ...['read', null, [7], [''], ['a b'], ['a"b'], ['a\\b'], ['ä'], ['x'.repeat(129)], Array(101).fill('x'), {}].map((scopes) => [`scopes ${JSON.stringify(scopes).slice(0, 30)}`, { ...valid, scopes }] as const),
  ...[null, 7, 'x', []].map((metadata) => [`metadata ${JSON.stringify(metadata)}`, { ...valid, metadata }] as const),
  ['an unknown field', { ...valid, admin: true }], ['a field in capitals', { ...valid, Name: 'x' }],
  ['a field that would be the id', { ...valid, id: 'key_1' }], ['a field that would be the key', { ...valid, key: 'sk-mine', hash: 'x' }],
  ['a prototype', '{"user_id":"u","name":"n","__proto__":{"rate_limit_per_day":null}}'],
  ['a prototype in metadata', '{"user_id":"u","name":"n","metadata":{"__proto__":{"roles":["admin"]}}}'],
  ['a prototype deep in metadata', '{"user_id":"u","name":"n","metadata":{"a":[{"__proto__":{"roles":["admin"]}}]}}'],
  ['metadata that is too deep', nested(100)], ['metadata without end', nested(30_000)],
];

for (const [what, body] of refused) {
  test(`400: ${what}`, async () => {
    const answer = await create(body);
    assertProblem(answer, 400, 'bad_request');
    assert.ok(answer.body.length < 5_000, `${answer.body.length}`);
  });
}

test('400: bytes that are no UTF-8', async () => {
  const body = '{"user_id":"\u00ff\u00fe","name":"n"}';
  const head = `POST /api/keys HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${adminToken}\r\nContent-Type: application/json\r\nConnection: close\r\n`;
  const { text } = await sendRaw(`${head}Content-Length: ${body.length}\r\n\r\n${body}`, {
    port: Number(new URL(gate.adminUrl).port),
  });
  assert.equal(parseAnswers(text)[0]?.status, 400);
});

test('400 names each field and what is wrong, and no more of them than a person reads', async () => {
  const answer = await create({ user_id: '', rate_limit_per_day: 'x', extra: 1 });
  const fields = JSON.parse(answer.body)
    .errors.map(({ field }: { field: string }) => field)
    .sort();
  assert.deepEqual(fields, ['', 'name', 'rate_limit_per_day', 'user_id']);
  const many = await create({
    ...valid,
    ...Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`field${n}`, n])),
  });
  assert.ok(many.body.length < 5_000, `${many.body.length}`);
});

test('400: a broken escape in the path, or a NUL, which no database keeps', async () => {
  for (const path of ['%zz', '%', '%ff', '%c3%28', '%00', 'a%00b'].map((name) => `/api/keys/${name}`)) {
    assertProblem(await call(path), 400, 'bad_request');
    assertProblem(await call(path, { method: 'DELETE' }), 400, 'bad_request');
  }
});

// biome-ignore format: a table is read by its columns
const strangers: readonly (readonly [what: string, headers: Readonly<Record<string, string>>])[] = [
  ['no token', {}], ['an empty token', { Authorization: 'Bearer ' }], ['the scheme alone', { Authorization: 'Bearer' }],
  ['another token', { Authorization: 'Bearer admin-token-of-somebody' }], ['a part of the token', { Authorization: `Bearer ${adminToken.slice(0, -1)}` }],
  ['the token and more', { Authorization: `Bearer ${adminToken}x` }], ['the token twice', { Authorization: `Bearer ${adminToken}, Bearer ${adminToken}` }],
  ['the token in capitals', { Authorization: `Bearer ${adminToken.toUpperCase()}` }], ['another scheme', { Authorization: `Basic ${adminToken}` }],
  ['the token alone', { Authorization: adminToken }], ['the token in another header', { 'X-API-Key': adminToken, 'X-Admin-Token': adminToken }],
  ['the token in a cookie', { Cookie: `token=${adminToken}` }], ['a huge token', { Authorization: `Bearer ${'x'.repeat(50_000)}` }],
];

for (const [what, headers] of strangers) {
  test(`401: ${what}, whatever is asked for`, async () => {
    const calls = [
      call('/api/keys/u', { headers }),
      call('/api/keys/key_1', { method: 'DELETE', headers }),
      create(valid, { ...headers, 'Content-Type': 'application/json' }),
      call('/nothing', { headers }),
      call(`/api/keys/u?token=${adminToken}&access_token=${adminToken}`, { headers }),
      call('/api/keys', { method: 'OPTIONS', headers }),
    ];
    for (const answer of await Promise.all(calls)) {
      assertProblem(answer, 401, 'admin_token_required');
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="sallyport-admin"');
    }
  });
}

test('the scheme may be written in any case, and with more than one space', async () => {
  for (const scheme of ['bearer', 'BEARER', 'Bearer  ']) {
    assert.equal((await call('/api/keys/u', { headers: { Authorization: `${scheme} ${adminToken}` } })).status, 200);
  }
});

test('404 where there is nothing', async () => {
  for (const [path, method] of [
    ['/', 'GET'],
    ['/api', 'GET'],
    ['/api/keysx', 'POST'],
    ['/api/keys/u/v', 'GET'],
    ['/health', 'GET'],
    ['/auth/native/api/x', 'GET'],
    ['/api/keys/key_none', 'DELETE'],
    ['/api/keys/', 'GET'],
    ['/API/keys', 'GET'],
    ['/api/openapi.json/', 'GET'],
    ['//api/keys', 'POST'],
    ['/api/../api/keys', 'POST'],
  ] as const) {
    assertProblem(await call(path, { method }), 404, 'not_found');
  }
});

test('405 tells what is known, also to OPTIONS', async () => {
  for (const [path, method, allow] of [
    ['/api/keys', 'PUT', ['GET', 'HEAD', 'POST']],
    ['/api/keys', 'OPTIONS', ['GET', 'HEAD', 'POST']],
    ['/api/keys/u', 'POST', ['DELETE', 'GET', 'HEAD', 'PATCH']],
    ['/api/keys/u', 'PUT', ['DELETE', 'GET', 'HEAD', 'PATCH']],
    ['/api/keys/u', 'OPTIONS', ['DELETE', 'GET', 'HEAD', 'PATCH']],
    ['/api/keys/u/rotate', 'GET', ['POST']],
    ['/api/openapi.json', 'POST', ['GET', 'HEAD']],
  ] as const) {
    const answer = await call(path, { method });
    assertProblem(answer, 405, 'method_not_allowed');
    assert.deepEqual(answer.headers.allow?.split(', ').sort(), allow);
  }
});

test('HEAD is GET without a body', async () => {
  const { status, body, headers } = await call('/api/keys/nobody', { method: 'HEAD' });
  assert.deepEqual([status, body], [200, '']);
  assert.equal(headers['content-length'], String((await call('/api/keys/nobody')).body.length));
});

test('413: a body beyond 64 KiB, announced or not; the connection goes on', async () => {
  const body = JSON.stringify({ ...valid, metadata: { a: 'x'.repeat(70_000) } });
  assertProblem(await create(body), 413, 'body_too_large');
  assertProblem(await create(body, { ...json, 'Transfer-Encoding': 'chunked' }), 413, 'body_too_large');
  assertProblem(await create('x'.repeat(5_000_000)), 413, 'body_too_large');
  const fits = JSON.stringify({ ...valid, metadata: { a: 'x'.repeat(65_000) } });
  assert.equal((await create(fits)).status, 201);
});

test('415: what is not JSON by its name', async () => {
  for (const type of [
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonx',
    'text/json',
    'xapplication/json',
  ]) {
    assertProblem(
      await create(valid, { ...token, ...(type && { 'Content-Type': type }) }),
      415,
      'unsupported_media_type',
    );
  }
  for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/problem+json']) {
    assert.equal((await create(valid, { ...token, 'Content-Type': type })).status, 201, type);
  }
});

test('nobody’s keys are [], and never null', async () => {
  for (const user of ['nobody', '..%2f..%2fetc', "'%20OR%201=1--", '%F0%9F%98%80', '__proto__x']) {
    const { status, body } = await call(`/api/keys/${user}`);
    assert.deepEqual([status, body], [200, '{"keys":[],"next_cursor":null}'], user);
  }
});

test('a user is found by whatever name, escaped', async () => {
  for (const user_id of ['a/b', 'a?b=c', 'a#b', 'a%2fb', 'ジョン', '..', "o'neil", 'a b', 'A', 'a\\b', '😀']) {
    assert.equal((await create({ ...valid, user_id })).status, 201);
    const { keys } = JSON.parse((await call(`/api/keys/${encodeURIComponent(user_id)}`)).body);
    assert.deepEqual(
      keys.map((key: { user_id: string }) => key.user_id),
      [user_id],
    );
  }
});

test('a name that a header carries is the one the application sees', async () => {
  const { key } = JSON.parse((await create({ ...valid, user_id: 'ジョン' })).body);
  const answer = await asks(key);
  assert.equal(Buffer.from(String(answer.headers['x-user-id']), 'latin1').toString(), 'ジョン');
});

test('a body that stops half-way is nobody’s error', async () => {
  const port = Number(new URL(gate.adminUrl).port);
  const head = `POST /api/keys HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${adminToken}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"user_id"`;
  await sendRaw(head, { port, deadlineMs: 100 });
  assert.equal((await call('/api/keys/u')).status, 200);
  assert.deepEqual(
    gate.log().filter(({ event }) => event === 'error'),
    [],
  );
});

test('every change is told in the log, by whom it is and never by the key, not even a key put where its id belongs', async () => {
  const created = JSON.parse((await create({ ...valid, user_id: 'audited' })).body);
  await call(`/api/keys/${created.id}`, { method: 'DELETE' });
  const { key: misplaced } = JSON.parse((await create(valid)).body);
  assertProblem(await call(`/api/keys/${misplaced}`, { method: 'DELETE' }), 404, 'not_found');
  await call('/api/keys/u', { method: 'HEAD' });
  await gate.stop();
  const changes = gate.log().filter(({ event }) => event === 'admin_change');
  const [made, revoked] = changes.filter(({ key_id }) => key_id === created.id);
  assert.deepEqual([made?.['action'], made?.['user_id'], revoked?.['action']], ['create_key', 'audited', 'revoke_key']);
  assert.ok(!gate.output().includes(misplaced) && !gate.output().includes(created.key));
  assert.ok(!gate.output().includes(adminToken));
  assert.ok(changes.every(({ action }) => ['create_key', 'revoke_key', 'refused'].includes(String(action))));
});
