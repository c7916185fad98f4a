/** The whole service, asked by a genuine gRPC client as Envoy asks: what only a Check can say, and what it may not. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { callUnary, checkOf, createClient, encode, methods, type Outcome } from '../peers/envoy-api.ts';
import { startSallyport } from '../sallyport.ts';
import { until } from '../servers/until.ts';

const owner = { after };

const config = `
grpc: { addr: "127.0.0.1:0", max_message_size: 64KiB }
usage: {}
logger: { format: json, sample_allows: 1 }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: orders, match: { path: "/orders/**" }, accept: [api_key] }
  - { name: scarce, match: { path: "/scarce/**" }, accept: [api_key], limits: { per_day: 1 } }
  - { name: by-name, accept: [api_key] }
`;

const gate = await startSallyport({ owner, config });
const client = createClient(gate.grpcPort, owner);
const { key, id } = await gate.createKey();

const check = (http: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  callUnary(client, 'check', checkOf(http, more));

/** The status that a client of Envoy's would see, and the code of the refusal. */
const toldOf = ({ code, message }: Outcome): readonly unknown[] => {
  assert.equal(code, 0, 'the gRPC call itself');
  if (message.ok_response) return [200];
  return [message.denied_response.status.code, JSON.parse(message.denied_response.body).code];
};

const metadataOf = ({ message }: Outcome) =>
  Object.fromEntries(
    Object.entries<{ string_value: string }>(message.dynamic_metadata.fields).map(([name, { string_value }]) => [
      name,
      string_value,
    ]),
  );

const raw = (...lines: [string, string][]) => ({
  header_map: {
    headers: lines.map(([name, value]) => ({ key: name, raw_value: Buffer.from(value).toString('base64') })),
  },
});

type Check = readonly [
  title: string,
  http: Record<string, unknown>,
  told: readonly unknown[],
  more?: Record<string, unknown>,
];

const bearer = { authorization: `Bearer ${key}` };

// biome-ignore format: a table is read by its columns
const checks: readonly Check[] = [
  ['a free path', {}, [200]],
  ['a query is no part of the path', { path: '/free/1?/orders/1' }, [200]],
  ['a path is decided decoded', { path: '/%6frders/1' }, [401, 'credential_required']],
  ['a path that can be read in two ways', { path: '/free/../orders/1' }, [400, 'ambiguous_path']],
  ['a fragment', { path: '/free/1#x' }, [400, 'ambiguous_path']],
  ['an absolute target', { path: 'http://a/free/1' }, [400, 'ambiguous_path']],
  ['no path', { path: '' }, [400, 'ambiguous_path']],
  ['no host', { host: '' }, [400, 'ambiguous_host']],
  ['no method', { method: '' }, [400, 'ambiguous_method']],
  ['a method in lower case', { method: 'get' }, [400, 'ambiguous_method']],
  ['a key', { path: '/orders/1', headers: bearer }, [200]],
  ['a key in a raw header', { path: '/orders/1', ...raw(['authorization', `Bearer ${key}`]) }, [200]],
  ['a key in a header spelled in capitals', { path: '/orders/1', ...raw(['X-API-KEY', key]) }, [200]],
  ['two lines of Authorization', { path: '/orders/1', ...raw(['authorization', `Bearer ${key}`], ['authorization', 'Bearer sk-x']) }, [400, 'ambiguous_credentials']],
  ['two lines of Authorization, one of another scheme', { path: '/orders/1', ...raw(['authorization', 'Basic eDp5'], ['authorization', `Bearer ${key}`]) }, [400, 'ambiguous_credentials']],
  ['two lines of Authorization, joined by Envoy', { path: '/orders/1', headers: { authorization: `Bearer ${key},Bearer sk-x` } }, [400, 'ambiguous_credentials']],
  ['a header that imitates one of ours', { headers: { x_user_id: 'boss' } }, [400, 'ambiguous_header']],
  ['a rule named by the route', { path: '/anything', headers: bearer }, [200], { context_extensions: { rule: 'by-name' } }],
  ['a rule named by the route goes before the path', {}, [401, 'credential_required'], { context_extensions: { rule: 'by-name' } }],
  ['a rule that does not exist', {}, [403, 'unknown_rule'], { context_extensions: { rule: 'other' } }],
  ['a rule without a name', {}, [403, 'unknown_rule'], { context_extensions: { rule: '' } }],
  ['a rule named by a client’s header', { path: '/anything', headers: { rule: 'by-name', 'x-rule': 'by-name', ...bearer } }, [403, 'no_rule']],
  ['an empty question', {}, [400, 'ambiguous_method'], { request: {} }],
];

for (const [title, http, told, more] of checks) {
  test(`${title} → ${told.join(' ')}`, async () => assert.deepEqual(toldOf(await check(http, more)), told));
}

for (const [title, bytes, told] of [
  ['no protobuf', Buffer.from('rubbish'), [400, 'incomplete_question']],
  ['a message that is cut short', encode('CheckRequest', checkOf({})).subarray(0, -3), [400, 'incomplete_question']],
  ['nothing', Buffer.alloc(0), [400, 'ambiguous_method']],
  [
    'more than max_message_size',
    encode('CheckRequest', checkOf({ body: 'x'.repeat(70_000) })),
    [413, 'body_too_large'],
  ],
] as const) {
  test(`${title} is refused, and is no gRPC error, which failure_mode_allow would let through`, async () =>
    assert.deepEqual(toldOf(await callUnary(client, 'check', bytes)), told));
}

test('the application is told who calls, and the client’s own copies are replaced or taken off', async () => {
  const { message } = await check({ path: '/orders/1', headers: { 'x-user-id': 'boss', ...bearer } });
  const set = Object.fromEntries(
    message.ok_response.headers.map(
      ({ header, append_action }: { header: { key: string; value: string }; append_action: number }) => {
        assert.equal(append_action, 2);
        return [header.key, header.value];
      },
    ),
  );
  assert.deepEqual(set, { 'x-user-id': 'user123', 'x-auth-method': 'api_key', 'x-api-key-id': id });
  const gone: string[] = message.ok_response.headers_to_remove;
  for (const name of ['authorization', 'x-user-email', 'x-user-roles', 'x-payment-verified', 'x-provisioned-pod'])
    assert.ok(gone.includes(name), name);
});

test('who called is told to access logs, of permissions and of refusals', async () => {
  const requestId = { 'x-request-id': 'req-1' };
  const own = await gate.createKey();
  const headers = { authorization: `Bearer ${own.key}`, ...requestId };
  const caller = { key_id: own.id, user_id: 'user123', method: 'api_key', rule: 'scarce', request_id: 'req-1' };
  const first = await check({ path: '/scarce/1', headers });
  const second = await check({ path: '/scarce/1', headers });
  assert.deepEqual([toldOf(first), toldOf(second)], [[200], [429, 'rate_limited']]);
  assert.deepEqual([metadataOf(first), metadataOf(second)], [caller, caller]);
  const nobody = await check({ path: '/orders/1', headers: requestId });
  assert.deepEqual(metadataOf(nobody), { rule: 'orders', request_id: 'req-1' });
});

test('a decision becomes a line and a count, under its own dialect', async () => {
  await check({ path: '/orders/line', headers: { 'x-request-id': 'a-line-of-its-own' } });
  const line = () => gate.log().find(({ request_id }) => request_id === 'a-line-of-its-own');
  await until('the line is there', () => line() !== undefined);
  const { dialect, rule, path, client_ip } = line() ?? {};
  assert.deepEqual([dialect, rule, path, client_ip], ['envoy_grpc', 'orders', '/orders/line', '203.0.113.9']);
});

const callers: readonly (readonly [string, string, Record<string, string>, string])[] = [
  ['Envoy names', '203.0.113.1', {}, '203.0.113.1'],
  ['Envoy names, whatever X-Forwarded-For says', '203.0.113.1', { 'x-forwarded-for': '198.51.100.1' }, '203.0.113.1'],
  ['a trusted proxy before Envoy names', '127.0.0.1', { 'x-forwarded-for': '198.51.100.1' }, '198.51.100.1'],
  ['Envoy names in IPv6', '2001:db8::5', {}, '2001:db8::5'],
];

for (const [who, address, headers, ip] of callers) {
  test(`the caller is whom ${who}`, async () => {
    const marker = crypto.randomUUID();
    const source = { address: { socket_address: { address } } };
    await check({ path: '/orders/1', headers: { 'x-request-id': marker, ...headers } }, { source });
    const line = () => gate.log().find(({ request_id }) => request_id === marker);
    await until('the line is there', () => line() !== undefined);
    assert.equal(line()?.['client_ip'], ip);
  });
}

test('a peer that is not one of trusted_proxies is refused whatever it describes, and sends no logs', async (t) => {
  const strict = await startSallyport({ owner: t, config: `trusted_proxies: [192.0.2.0/24]\n${config}` });
  const stranger = createClient(strict.grpcPort, t);
  const { key: good } = await strict.createKey();
  const asked = checkOf({ path: '/orders/1', headers: { authorization: `Bearer ${good}` } });
  assert.deepEqual(toldOf(await callUnary(stranger, 'check', asked)), [403, 'untrusted_proxy']);
  assert.deepEqual(toldOf(await callUnary(stranger, 'check', checkOf({}))), [403, 'untrusted_proxy']);
  const { path, requestSerialize, responseDeserialize } = methods.logs;
  const code = await new Promise((resolve) => {
    const call = stranger.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error) =>
      resolve(error?.code),
    );
    call.on('error', () => undefined);
    call.write({ identifier: { node: { id: 'n' } } });
  });
  assert.equal(code, grpc.status.PERMISSION_DENIED);
  assert.equal((await callUnary(stranger, 'health', {})).message.status, 1);
});

test('a client that compresses is told to send identity', async (t) => {
  const compressing = createClient(gate.grpcPort, t, { 'grpc.default_compression_algorithm': 2 });
  assert.equal((await callUnary(compressing, 'check', checkOf({}))).code, grpc.status.UNIMPLEMENTED);
});

test('hundreds of Checks at once over one connection are each answered for itself', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 400 }, (_, n) =>
      check({ path: n % 2 ? '/free/1' : '/orders/1', headers: { 'x-request-id': `many-${n}` } }),
    ),
  );
  for (const [n, outcome] of outcomes.entries()) {
    assert.deepEqual(toldOf(outcome), n % 2 ? [200] : [401, 'credential_required']);
    assert.equal(metadataOf(outcome)['request_id'], `many-${n}`);
  }
});

for (const [service, outcome] of [
  ['', [0, 1]],
  ['envoy.service.auth.v3.Authorization', [0, 1]],
  ['envoy.service.accesslog.v3.AccessLogService', [0, 1]],
  ['other', [grpc.status.NOT_FOUND, undefined]],
] as const) {
  test(`health of "${service}"`, async () => {
    const { code, message } = await callUnary(client, 'health', { service });
    assert.deepEqual([code, message?.status], outcome);
  });
}

const watch = (port: number, service: string, t: { after(close: () => void): void }) => {
  const { path, requestSerialize, responseDeserialize } = methods.watch;
  const statuses: number[] = [];
  const call = createClient(port, t).makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
  call.on('data', ({ status }: { status: number }) => statuses.push(status));
  call.on('error', () => undefined);
  t.after(() => call.cancel());
  return statuses;
};

test('whoever watches is told at once, and again when the service is asked to end', async (t) => {
  const ending = await startSallyport({ owner: t, config });
  const statuses = watch(ending.grpcPort, '', t);
  const unknown = watch(ending.grpcPort, 'other', t);
  // A store that is slow to answer is told of as not serving at first.
  await until('both are told', () => statuses.at(-1) === 1 && unknown.length === 1);
  assert.deepEqual(unknown, [3]);
  ending.signal('SIGTERM');
  await until('it is told again', () => statuses.at(-1) === 2);
  let end = '';
  void ending.exited().then((how) => {
    end = how;
  });
  // Calls under way would have 20 s: nobody who watches keeps the service from its end.
  await until('it ends', () => end !== '', { deadlineMs: 15_000 });
  assert.equal(end, 'code 0');
});

test('a listener that offers one service does not know the other', async (t) => {
  const logs = await startSallyport({ owner: t, config: 'grpc: { addr: "127.0.0.1:0", ext_authz: false }\nusage: {}' });
  const asking = createClient(logs.grpcPort, t);
  assert.equal((await callUnary(asking, 'check', checkOf({}))).code, grpc.status.UNIMPLEMENTED);
  assert.equal(
    (await callUnary(asking, 'health', { service: 'envoy.service.auth.v3.Authorization' })).code,
    grpc.status.NOT_FOUND,
  );
});

test('with several workers each answers, and a key that is revoked opens none of their doors', async (t) => {
  const many = await startSallyport({ owner: t, config: `workers: 3\n${config}` });
  const own = await many.createKey();
  const clients = Array.from({ length: 9 }, () => createClient(many.grpcPort, t));
  const askAll = async () => {
    const asked = checkOf({ path: '/orders/1', headers: { 'x-api-key': own.key } });
    const outcomes = await Promise.all(clients.map((one) => callUnary(one, 'check', asked)));
    return new Set(outcomes.map((outcome) => toldOf(outcome)[0]));
  };
  assert.deepEqual(await askAll(), new Set([200]));
  const revoked = await fetch(`${many.adminUrl}/api/keys/${own.id}`, {
    method: 'DELETE',
    headers: { authorization: 'Bearer admin-token-of-the-tests' },
  });
  assert.equal(revoked.status, 204);
  await until('no worker takes the key', async () => [...(await askAll())].join() === '401');
});
