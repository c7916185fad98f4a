import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseHeaderTemplate } from '../../core/header-template.ts';
import { type Identification, rejected } from '../../core/identity.ts';
import { parsePathPattern } from '../../core/path-pattern.ts';
import { isRefusal, refuse } from '../../core/refusal.ts';
import { Secret } from '../../core/secret.ts';
import { readCall } from './call.ts';
import { type CredentialSource, toCredentials } from './credential-source.ts';
import type { IntegrationSettings } from './integration.ts';
import { createResolve, type Resolution, type ResolverOptions } from './resolve.ts';
import { createSandboxReader } from './sandbox.ts';

type Short = Readonly<{
  hosts: readonly string[];
  paths?: readonly string[];
  headers?: Readonly<Record<string, string>>;
  methods?: readonly string[];
  domainFrom?: string;
}>;

const integration = (
  name: string,
  { hosts, paths = ['/**'], headers, methods, domainFrom }: Short,
): IntegrationSettings => ({
  name,
  hosts,
  paths: paths.map((text) => {
    const pattern = parsePathPattern(text);
    return typeof pattern === 'string' ? assert.fail(pattern) : pattern;
  }),
  headers: Object.entries(headers ?? { Authorization: 'Bearer {{key}}' }).map(([header, text]) => {
    const template = parseHeaderTemplate(text);
    return typeof template === 'string' ? assert.fail(template) : { name: header, template };
  }),
  ...(methods && { methods }),
  ...(domainFrom && { domainFrom }),
});

const integrations = [
  integration('wide', { hosts: ['*.example.com'] }),
  integration('exact', { hosts: ['api.example.com'], paths: ['/v1/**'], headers: { 'X-Key': '{{key}}' } }),
  integration('deeper', { hosts: ['api.example.com'], paths: ['/v1/admin/**'], headers: { 'X-Key': '{{key}}' } }),
  integration('reader', { hosts: ['read.test'], methods: ['GET'] }),
  integration('two', { hosts: ['two.test'], headers: { 'DD-API-KEY': '{{a}}', 'DD-APPLICATION-KEY': '{{b}}' } }),
  integration('owned', { hosts: ['*.cloud.test', 'localhost'], domainFrom: 'domain' }),
  integration('empty', { hosts: ['empty.test'] }),
];

const secrets = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(value)]));

const credentials = toCredentials({
  wide: secrets({ key: 'wide' }),
  exact: secrets({ key: 'exact' }),
  deeper: secrets({ key: 'deeper' }),
  reader: secrets({ key: 'reader' }),
  two: secrets({ a: '1', b: '2' }),
  owned: secrets({ key: 'owned', domain: 'Acme.Cloud.Test.' }),
});

const jwt = (claims: Readonly<Record<string, unknown>>): Identification => ({
  outcome: 'identified',
  identity: { method: 'jwt', issuer: 'sandboxes', subject: '', scopes: [], roles: [], claims },
});

const claims = { tenant: 'tenant_id', team: 'team_id', sandbox: 'sandbox_id' };
const ann = { tenant_id: 'acme', team_id: 'red', sandbox_id: 'sb-1' };

const create = (changes: Partial<ResolverOptions> = {}) =>
  createResolve({
    identify: (token) => (token === 'good' ? jwt(ann) : rejected(refuse('invalid_token', 'No.'))),
    sandboxOf: createSandboxReader(claims, (all, name) => all[name]),
    permissive: undefined,
    source: () => credentials,
    integrations,
    sidecarHosts: ['localhost'],
    unmapped: 'deny',
    claims,
    tokenHeader: 'x-sandbox-jwt',
    ...changes,
  });

const resolve = create();

const ask = (host: string, path: string, method = 'GET', decide = resolve): Resolution => {
  const resolution = decide({ token: 'good', call: readCall(method, host, path), peerIp: '' });
  return resolution instanceof Promise ? assert.fail('it waits') : resolution;
};

const toldOf = (resolution: Resolution) =>
  resolution.result === 'refused'
    ? resolution.refusal.code
    : resolution.result === 'passed'
      ? 'passed'
      : resolution.injection.set;

// biome-ignore format: a table is read by its columns
const calls: readonly (readonly [host: string, path: string, told: unknown, method?: string])[] = [
  ['api.example.com', '/v1/x', { 'X-Key': 'exact' }],
  ['api.example.com', '/v1', { 'X-Key': 'exact' }],
  ['API.Example.Com:8443', '/v1/x?y=z', { 'X-Key': 'exact' }],
  ['api.example.com.', '/v1/x', { 'X-Key': 'exact' }],
  ['api.example.com', '/v1/admin/users', { 'X-Key': 'deeper' }],
  ['api.example.com', '/v2/x', { Authorization: 'Bearer wide' }],
  ['other.example.com', '/v1/x', { Authorization: 'Bearer wide' }],
  ['a.b.example.com', '/', { Authorization: 'Bearer wide' }],
  ['example.com', '/v1/x', 'no_integration'],
  ['xexample.com', '/v1/x', 'no_integration'],
  ['api.example.com.evil.test', '/v1/x', 'no_integration'],
  ['evil-api.example.com.evil.test', '/v1/x', 'no_integration'],
  ['api-example.com', '/v1/x', 'no_integration'],
  ['api.example.comx', '/v1/x', 'no_integration'],
  ['', '/v1/x', 'ambiguous_host'],
  ['api.example.com@evil.test', '/v1/x', 'ambiguous_host'],
  ['api.example.com, evil.test', '/v1/x', 'ambiguous_host'],
  ['api.example.com', '/v1/../v2', 'ambiguous_path'],
  ['api.example.com', '/v1/%2e%2e/v2', 'ambiguous_path'],
  ['api.example.com', '/v1%2fadmin', 'ambiguous_path'],
  ['api.example.com', '/v%31/x', 'ambiguous_path'],
  ['api.example.com', '/v1/%61dmin/x', 'ambiguous_path'],
  ['api.example.com', '//v1/x', 'ambiguous_path'],
  ['api.example.com', 'http://api.example.com/v1/x', 'ambiguous_path'],
  ['api.example.com', '/v1/a%20b%40c?d=%61', { 'X-Key': 'exact' }],
  ['read.test', '/x', { Authorization: 'Bearer reader' }],
  ['read.test', '/x', 'no_integration', 'POST'],
  ['read.test', '/x', 'ambiguous_method', 'get'],
  ['two.test', '/x', { 'DD-API-KEY': '1', 'DD-APPLICATION-KEY': '2' }],
  ['empty.test', '/x', 'credential_missing'],
  ['acme.cloud.test', '/x', { Authorization: 'Bearer owned' }],
  ['es.acme.cloud.test', '/x', { Authorization: 'Bearer owned' }],
  ['other.cloud.test', '/x', 'no_integration'],
  ['evilacme.cloud.test', '/x', 'no_integration'],
  ['acme.cloud.test.evil.test', '/x', 'no_integration'],
  ['localhost:8001', '/x', { Authorization: 'Bearer owned' }],
];

for (const [host, path, told, method = 'GET'] of calls) {
  test(`${method} ${host} ${path} → ${JSON.stringify(told)}`, () => {
    assert.deepEqual(toldOf(ask(host, path, method)), told);
  });
}

test('whatever the sandbox sent under our names, or that opens something, is taken off; what we set is not', () => {
  const { injection } = { injection: undefined, ...ask('two.test', '/x') };
  const remove = [
    'x-sandbox-jwt',
    'x-tenant-id',
    'x-team-id',
    'x-sandbox-id',
    'authorization',
    'proxy-authorization',
    'x-api-key',
    'x-key',
  ];
  assert.deepEqual(injection?.remove, remove);
  const other = { injection: undefined, ...ask('read.test', '/x') };
  assert.deepEqual(
    other.injection?.remove.toSorted(),
    [...remove.filter((name) => name !== 'authorization'), 'dd-api-key', 'dd-application-key'].toSorted(),
  );
});

test('what no integration is for passes only where that is configured, and never with the token', () => {
  const passing = create({ unmapped: 'pass' });
  const passed = ask('elsewhere.test', '/', 'GET', passing);
  assert.equal(passed.result, 'passed');
  assert.deepEqual(passed.result === 'passed' && passed.injection, {
    set: {},
    remove: ['x-sandbox-jwt', 'x-tenant-id', 'x-team-id', 'x-sandbox-id'],
  });
  assert.equal(toldOf(ask('elsewhere.test', '/a/../b', 'GET', passing)), 'ambiguous_path');
  assert.equal(toldOf(ask('empty.test', '/', 'GET', passing)), 'credential_missing');
});

test('without a token, strict and permissive; with a bad one, neither', async () => {
  const call = readCall('GET', 'api.example.com', '/v1/x');
  const permissive = create({ permissive: credentials, source: () => assert.fail('nobody is known') });
  for (const [decide, token, told] of [
    [resolve, undefined, 'credential_required'],
    [resolve, 'bad', 'invalid_token'],
    [permissive, undefined, { 'X-Key': 'exact' }],
    [permissive, 'bad', 'invalid_token'],
    [permissive, '', 'invalid_token'],
  ] as const) {
    assert.deepEqual(toldOf(await decide({ token, call, peerIp: '' })), told);
  }
});

test('the source is asked for the tenant and team of the token alone', async () => {
  const asked: unknown[] = [];
  const source: CredentialSource = async (sandbox) => {
    asked.push(sandbox);
    return credentials;
  };
  const {
    result,
    sandbox,
    integration: name,
  } = await create({ source })({
    token: 'good',
    call: readCall('GET', 'api.example.com', '/v1/x'),
    peerIp: '',
  });
  const known = { tenant: 'acme', team: 'red', sandbox: 'sb-1' };
  assert.deepEqual([asked, result, sandbox, name], [[known], 'injected', known, 'exact']);
});

test('what fails is refused, at once or later', async () => {
  const call = readCall('GET', 'api.example.com', '/v1/x');
  const failure = new Error('for the test');
  for (const changes of [
    { source: () => Promise.reject(failure) },
    { identify: () => Promise.reject(failure) },
    {
      source: () => {
        throw failure;
      },
    },
  ]) {
    const resolution = await create(changes)({ token: 'good', call, peerIp: '' });
    assert.ok(resolution.result === 'refused' && isRefusal(resolution.refusal));
    assert.deepEqual([resolution.refusal.code, resolution.refusal.cause], ['internal_error', failure]);
  }
});

test('a value that would break out of its header, or is missing, refuses the call', () => {
  const withKey = (values: Readonly<Record<string, string>>) =>
    create({ source: () => toCredentials({ exact: secrets(values) }) });
  for (const [values, code] of [
    [{ key: 'a\r\nX-Evil: b' }, 'credential_unusable'],
    [{ key: 'ключ' }, 'credential_unusable'],
    [{ key: '' }, 'credential_missing'],
    [{ other: 'x' }, 'credential_missing'],
  ] as const) {
    const resolution = ask('api.example.com', '/v1/x', 'GET', withKey(values));
    assert.equal(toldOf(resolution), code);
    assert.ok(!JSON.stringify(resolution).includes('Evil'));
  }
});

test('a host that is not one of its own, or below one with a dot between, never has an integration', () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,6}(?:-[a-z0-9]{1,6})?$/);
  const known = ['api.example.com', 'read.test', 'two.test', 'empty.test', 'localhost'];
  const host = fc.oneof(
    fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.')),
    fc.tuple(label, fc.constantFrom(...known, 'example.com', 'cloud.test')).map(([start, end]) => start + end),
    fc.tuple(fc.constantFrom(...known, 'example.com'), label).map(([start, end]) => start + end),
    fc.tuple(fc.constantFrom(...known), label).map(([start, end]) => `${start}.${end}`),
  );
  fc.assert(
    fc.property(host, (name) => {
      const isOwn = known.includes(name) || name.endsWith('.example.com') || name.endsWith('.cloud.test');
      const { result, integration: found } = ask(name, '/v1/x');
      assert.equal(result !== 'refused' || found !== '', isOwn, name);
    }),
    { numRuns: 2_000 },
  );
});
