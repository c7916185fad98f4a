/** Every call by every status that the OpenAPI document says it answers, and no other; its bodies as they are described. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newKey } from '../keys/key-record.ts';
import type { Answered } from '../servers/request.ts';
import { type Called, startCalls } from './calls.ts';
import { podName } from './played-pods.ts';
import { createSetAside } from './set-aside.ts';

type Call = Readonly<{ target: string } & Called>;

const main = await startCalls({ after });
const { endpoints, keys } = main;

const made = await keys.create({ ...newKey, rateLimitPerMinute: 1 });
const gone = await keys.create({ ...newKey, rateLimitPerMinute: 1 });
assert.ok(made.made === 'first' && gone.made === 'first');
await keys.revoke(gone.record.id);
const { id } = made.record;
const nobody = 'key_none';
const hash = 'a'.repeat(64);
const used = `use_${'1'.repeat(32)}`;
const [billed] = await createSetAside(main)(['ann']);
const drop = { resolution: 'drop' };
const overlap = { overlap_seconds: 0 };

/** One that succeeds, by operation. */
const good: Readonly<Record<string, Call>> = {
  createKey: { target: '/api/keys', body: { user_id: 'ann', name: 'n' } },
  listKeys: { target: '/api/keys?limit=1' },
  listKeysOfUser: { target: '/api/keys/ann' },
  getKey: { target: `/api/keys/id/${id}` },
  updateKey: { target: `/api/keys/${id}`, body: { name: 'x' } },
  rotateKey: { target: `/api/keys/${id}/rotate`, body: overlap },
  disableKey: { target: `/api/keys/${id}/disable` },
  enableKey: { target: `/api/keys/${id}/enable` },
  revokeKey: { target: `/api/keys/${gone.record.id}` },
  importKeys: { target: '/api/keys/import', body: { keys: [{ user_id: 'ann', name: 'n', hash }] } },
  verifyKey: { target: '/api/keys/verify', body: { key: made.key } },
  reportUnits: { target: '/api/usage/units', body: { use: used, units: 1 } },
  revokeSessions: { target: '/api/payments/pay_1/sessions' },
  listPods: { target: '/api/pods?limit=1' },
  getPod: { target: `/api/pods/${podName}` },
  deletePod: { target: `/api/pods/${podName}` },
  sumUsage: { target: '/api/usage' },
  sumUsageOfKey: { target: `/api/keys/id/${id}/usage` },
  getBillingStatus: { target: '/api/billing/status' },
  listBillingEvents: { target: '/api/billing/reconciliation' },
  resolveBillingEvent: { target: `/api/billing/reconciliation/${billed}`, body: drop },
  listCustomers: { target: '/api/customers' },
  putCustomer: { target: '/api/customers/ann', body: { customer_id: 'cus_1' } },
  getCustomer: { target: '/api/customers/ann' },
  removeCustomer: { target: '/api/customers/ann' },
  explain: { target: '/admin/explain', body: { url: 'https://shop.example.com/orders/1' } },
  reload: { target: '/admin/reload' },
  getStatus: { target: '/admin/status' },
  getOpenApiDocument: { target: '/api/openapi.json' },
};

const conflicting = (target: string, bodies: readonly unknown[]): Call[] =>
  bodies.map((body) => ({ target, body, headers: { 'Idempotency-Key': target } }));

/** What its caller may get wrong, by operation; the last call of each list is the one that is refused. */
const refused: readonly (readonly [operation: string, status: number, calls: readonly Call[]])[] = [
  [
    'createKey',
    409,
    conflicting('/api/keys', [
      { user_id: 'a', name: 'n' },
      { user_id: 'b', name: 'n' },
    ]),
  ],
  ['getKey', 404, [{ target: `/api/keys/id/${nobody}` }]],
  ['updateKey', 404, [{ target: `/api/keys/${nobody}`, body: { name: 'x' } }]],
  ['updateKey', 409, [{ target: `/api/keys/${gone.record.id}`, body: { name: 'x' } }]],
  ['rotateKey', 404, [{ target: `/api/keys/${nobody}/rotate`, body: overlap }]],
  ['rotateKey', 409, [{ target: `/api/keys/${gone.record.id}/rotate`, body: overlap }]],
  ['disableKey', 404, [{ target: `/api/keys/${nobody}/disable` }]],
  ['disableKey', 409, [{ target: `/api/keys/${gone.record.id}/disable` }]],
  ['enableKey', 404, [{ target: `/api/keys/${nobody}/enable` }]],
  ['enableKey', 409, [{ target: `/api/keys/${gone.record.id}/enable` }]],
  ['revokeKey', 404, [{ target: `/api/keys/${nobody}` }]],
  ['reportUnits', 404, [{ target: '/api/usage/units', body: { use: `use_${'0'.repeat(32)}`, units: 1 } }]],
  ['reportUnits', 409, [{ target: '/api/usage/units', body: { use: used, units: 7 } }]],
  ['revokeSessions', 404, [{ target: '/api/payments/none/sessions' }]],
  ['getPod', 404, [{ target: '/api/pods/user-pod-none' }]],
  ['deletePod', 404, [{ target: '/api/pods/user-pod-none' }]],
  ['resolveBillingEvent', 404, [{ target: '/api/billing/reconciliation/none', body: drop }]],
  ['resolveBillingEvent', 409, [{ target: `/api/billing/reconciliation/${billed}`, body: drop }]],
  ['getCustomer', 404, [{ target: '/api/customers/nobody' }]],
  ['removeCustomer', 404, [{ target: '/api/customers/nobody' }]],
  ['reload', 409, [{ target: '/admin/reload' }]],
  ['sumUsageOfKey', 404, [{ target: `/api/keys/id/${nobody}/usage` }]],
];

const document = JSON.parse((await main.call('GET', '/api/openapi.json')).body);

const operations = [
  ...endpoints,
  { operation: 'getOpenApiDocument', method: 'GET', path: '/api/openapi.json', body: undefined, answers: [] },
];

const goodCall = (operation: string): Call => good[operation] ?? assert.fail(`no call of ${operation} is tested`);

const documented = (method: string, path: string): readonly string[] =>
  Object.keys(document.paths[path.replace(/:(\w+)/g, '{$1}')][method.toLowerCase()].responses);

const seen = new Map<string, Set<string>>();

const note = (operation: string, { status, body, headers }: Answered, expected: number): void => {
  assert.equal(status, expected, `${operation}: ${body}`);
  seen.set(operation, (seen.get(operation) ?? new Set()).add(String(status)));
  assert.equal(headers['cache-control'], 'no-store');
  if (status < 400) return;
  assert.equal(headers['content-type'], 'application/problem+json');
  const { type, code } = JSON.parse(body);
  assert.equal(type, `urn:sallyport:problem:${code}`);
};

const operationsWithTokens = operations.filter(({ operation }) => operation !== 'getOpenApiDocument');

for (const { operation, method, body, answers } of operations) {
  test(`${operation}: what succeeds answers what the document describes`, async () => {
    const answer = await main.call(method, goodCall(operation).target, goodCall(operation));
    const described = answers.find(({ status }) => status === answer.status);
    note(operation, answer, described?.status ?? 200);
    if (!described?.shape) return;
    const given = JSON.parse(answer.body);
    assert.deepEqual(described.shape.parse(given), given);
  });

  test(`${operation}: 400 for what it does not know in a query`, async () => {
    const { target, ...rest } = goodCall(operation);
    const answer = await main.call(method, `${target}${target.includes('?') ? '&' : '?'}nonsense=1`, rest);
    note(operation, answer, 400);
  });

  if (!body) continue;

  test(`${operation}: 413 and 415 for what is too much and of another kind`, async () => {
    const { target } = goodCall(operation);
    note(operation, await main.call(method, target, { body: 'x'.repeat(3_000_000) }), 413);
    const text = { headers: { 'Content-Type': 'text/plain' }, body: '{}' };
    note(operation, await main.call(method, target, text), 415);
    note(operation, await main.call(method, target, { body: '{"nonsense":1}' }), 400);
  });
}

for (const [operation, status, calls] of refused) {
  test(`${operation}: ${status}`, async () => {
    const { method } = operations.find((one) => one.operation === operation) ?? assert.fail(operation);
    const answers = [];
    for (const call of calls) answers.push(await main.call(method, call.target, call));
    note(operation, answers.at(-1) ?? assert.fail(), status);
  });
}

test('401 without the token, and 429 after too many wrong ones', async (t) => {
  const { call } = await startCalls({ after: (end) => t.after(end) }, { wrongTokens: operationsWithTokens.length });
  for (const [expected, wrong] of [
    [401, 'Bearer wrong'],
    [429, 'Bearer wrong'],
  ] as const) {
    for (const { operation, method } of operationsWithTokens) {
      const { target, body, headers } = goodCall(operation);
      note(operation, await call(method, target, { body, headers: { ...headers, Authorization: wrong } }), expected);
    }
  }
});

test('503 while the store is gone', async (t) => {
  const { call, closeStore } = await startCalls({ after: (end) => t.after(end) });
  await closeStore();
  for (const { operation, method } of operationsWithTokens) {
    note(operation, await call(method, goodCall(operation).target, goodCall(operation)), 503);
  }
});

test('these are all the statuses that the document tells of, and no other was answered', () => {
  for (const { operation, method, path } of operations) {
    assert.deepEqual([...(seen.get(operation) ?? [])].sort(), [...documented(method, path)].sort(), operation);
  }
});
