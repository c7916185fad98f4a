/** The policies that the seed of the sidecar prints, as they stand there, and with what one of them lacks. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { engineOf, problemsOf } from './harness.test.ts';

const seed = readFileSync(new URL('../../../../test/seeds/001.md', import.meta.url), 'utf8');

const policies = Object.fromEntries(
  [...seed.matchAll(/\(policies\/(\w+)\.rego\):\*\*\n\n```rego\n([\s\S]*?)```/g)].map(([, name, text]) => [
    name ?? '',
    text ?? '',
  ]),
);

const printed = (name: string): string => policies[name] ?? assert.fail(`the seed has no ${name}.rego`);

/** The permission is bound where it is used, and a header that is not there is null. */
const corrected = printed('dataservice')
  .replace(
    'has_service_permission\n    reason := sprintf',
    'has_service_permission\n    required_permission := get_required_permission\n    reason := sprintf',
  )
  .replace(/input\.headers\["([\w-]+)"\]/g, 'object.get(input.headers, "$1", null)');

const now = () => Date.UTC(2026, 10, 22);
const exp = now() / 1_000 + 300;
const gateway = { verified: true, subject: { CN: 'api-gateway-client', O: 'MyOrg' } };

type Ask = Readonly<{ method?: string; path?: string; token?: object; mtls?: object; headers?: object }>;

const ask = ({ method = 'GET', path = '/', token = {}, mtls = { verified: false }, headers = {} }: Ask): string =>
  JSON.stringify({ request: { method, path, host: 'service', query: '' }, headers, token, mtls });

const user = { sub: 'user-123', exp, realm_access: { roles: ['customer', 'orders:create', 'payments:read'] } };

const decisions: readonly (readonly [policy: string, says: string, input: Ask, allows: boolean])[] = [
  ['gateway', 'a user', { token: user }, true],
  ['gateway', 'a token that has run out', { token: { ...user, exp: exp - 301 } }, false],
  ['gateway', 'nobody', {}, false],
  ['order', 'a user through the gateway', { token: user, mtls: gateway, method: 'POST' }, true],
  [
    'order',
    'a user without the role',
    { token: { ...user, realm_access: { roles: [] } }, mtls: gateway, method: 'POST' },
    false,
  ],
  ['order', 'a user without the role who only looks', { token: { sub: 'u', exp }, mtls: gateway }, true],
  [
    'order',
    'another client',
    { token: user, mtls: { verified: true, subject: { CN: 'payment-service-client' } } },
    false,
  ],
  ['order', 'a name that no handshake proved', { token: user, mtls: { ...gateway, verified: false } }, false],
  ['order', 'a token that has run out', { token: { ...user, exp: exp - 301 }, mtls: gateway }, false],
  ['payment', 'a user who may look at payments', { token: user, mtls: gateway }, true],
  ['payment', 'the same user, who may not pay', { token: user, mtls: gateway, method: 'POST' }, false],
];

for (const [policy, says, input, allows] of decisions) {
  test(`${policy}.rego as printed ${allows ? 'allows' : 'denies'} ${says}`, async () => {
    const query = `data.${policy}.allow`;
    const engine = await engineOf({ [`${policy}.rego`]: printed(policy) }, [query], { now });
    assert.deepEqual(await engine.evaluate(query, ask(input)), { outcome: 'value', value: allows });
  });
}

test('dataservice.rego as printed is refused, with the file, the line and what to change', async () => {
  const line =
    1 +
    printed('dataservice')
      .split('\n')
      .findIndex((text) => text.includes('reason := sprintf'));
  assert.deepEqual(await problemsOf({ 'dataservice.rego': printed('dataservice') }, ['data.dataservice.result']), [
    [
      `DIR/dataservice.rego:${line}:70`,
      'use of undefined variable `required_permission` is unsafe',
      '"required_permission" has no value in this rule: give it one here; what another rule binds is not seen',
    ].join(' | '),
  ]);
});

const service = (name: string) => ({
  token: { azp: name, exp },
  mtls: { verified: true, subject: { CN: `${name}-client` } },
});

test('dataservice.rego, corrected, says what it found', async () => {
  const engine = await engineOf({ 'dataservice.rego': corrected }, ['data.dataservice.result'], { now });
  const headers = { 'X-User-Context': 'john' };
  const input = ask({ ...service('order-service'), method: 'POST', path: '/orders', headers });
  assert.deepEqual(await engine.evaluate('data.dataservice.result', input), {
    outcome: 'value',
    value: {
      allow: true,
      reasons: ['service order-service has permission write-orders', 'valid mTLS client', 'valid service token'],
      audit: {
        service: 'order-service-client',
        user_context: 'john',
        correlation_id: null,
        action: 'POST',
        resource: '/orders',
      },
    },
  });
});

test('dataservice.rego, corrected, denies what another service may do', async () => {
  const engine = await engineOf({ 'dataservice.rego': corrected }, ['data.dataservice.result'], { now });
  const input = ask({ ...service('payment-service'), method: 'POST', path: '/orders' });
  const answer = await engine.evaluate('data.dataservice.result', input);
  assert.ok(answer.outcome === 'value');
  assert.partialDeepStrictEqual(answer.value, { allow: false, reasons: ['valid mTLS client', 'valid service token'] });
});

test('the corrected policies of all four services load together', async () => {
  const files = { ...policies, dataservice: corrected };
  const named = Object.fromEntries(Object.entries(files).map(([name, text]) => [`${name}.rego`, text]));
  await engineOf(named, ['data.gateway.allow', 'data.order.allow', 'data.payment.allow', 'data.dataservice.result']);
});
