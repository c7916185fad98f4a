/** The seed's policies, as examples/zones corrects them, get the same answers from all engines. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { LoadedPolicy, PolicyEngine } from '../../src/checks/policy-engine.ts';
import { readPolicyFiles } from '../../src/config/policy-files.ts';
import { guardTarget } from '../../src/stores/outbound/target-guard.ts';
import { createOpaServer } from '../../src/stores/policy/opa-server/opa-server.ts';
import { loadOpaWasm } from '../../src/stores/policy/opa-wasm/opa-wasm.ts';
import { loadRegorus } from '../../src/stores/policy/regorus/regorus.ts';
import { compilePolicies } from '../servers/compiled-policy.ts';
import { startOpa } from '../servers/opa.ts';
import { find, needs } from '../servers/programs.ts';

const root = dirname(dirname(import.meta.dirname));
const files = Object.fromEntries(
  globSync('examples/zones/*/policies/*.rego', { cwd: root })
    .filter((file) => !file.endsWith('_test.rego'))
    .map((file) => [basename(file), readFileSync(join(root, file), 'utf8')]),
);

const queries = ['data.gateway.allow', 'data.order.allow', 'data.payment.allow', 'data.dataservice.result'];

const mtls = (CN: string) => ({ verified: true, subject: { CN, O: 'MyOrg' } });
const later = 4_102_444_800;
const request = (method: string, path: string) => ({ method, path, host: 'service', query: '' });
const user = { sub: 'user-123', exp: later, realm_access: { roles: ['customer', 'orders:create', 'payments:read'] } };
const order = { azp: 'order-service', exp: later };

const inputs: Readonly<Record<string, object>> = {
  nobody: { request: request('GET', '/'), headers: {}, mtls: { verified: false } },
  'a user': { request: request('GET', '/orders'), headers: {}, token: user, mtls: { verified: false } },
  'a user through the gateway': {
    request: request('POST', '/orders'),
    headers: {},
    token: user,
    mtls: mtls('api-gateway-client'),
  },
  'a token that has run out': {
    request: request('GET', '/orders'),
    headers: {},
    token: { ...user, exp: 1 },
    mtls: mtls('api-gateway-client'),
  },
  'the order service, which reads': {
    request: request('GET', '/inventory/PROD-123'),
    headers: { 'X-User-Context': 'john', 'X-Correlation-ID': 'req-1' },
    token: order,
    mtls: mtls('order-service-client'),
  },
  'the order service, which pays': {
    request: request('POST', '/payments'),
    headers: {},
    token: order,
    mtls: mtls('order-service-client'),
  },
  'the payment service, which orders': {
    request: request('POST', '/orders'),
    headers: {},
    token: { azp: 'payment-service', exp: later },
    mtls: mtls('payment-service-client'),
  },
  'a certificate of two names': {
    request: request('GET', '/orders'),
    headers: {},
    token: user,
    mtls: { verified: true, subject: { CN: ['api-gateway-client', 'x'] } },
  },
};

const engineOf = (loaded: LoadedPolicy): PolicyEngine => {
  assert.ok('engine' in loaded, JSON.stringify(loaded));
  return loaded.engine;
};

const open = async (): Promise<readonly PolicyEngine[]> => {
  const entrypoints = queries.map((query) => query.slice('data.'.length).replaceAll('.', '/'));
  const { directory, file } = compilePolicies({ after }, { files, entrypoints });
  const path = join(directory, 'policies');
  const read = readPolicyFiles(path);
  assert.ok('files' in read);
  const url = new URL((await startOpa({ owner: { after }, files })).url);
  const options = { queries, timeoutMs: 30_000, now: Date.now };
  const engines = [
    createOpaServer({ ...options, url, lookup: guardTarget(url, true) }),
    engineOf(await loadOpaWasm({ ...options, file })),
    engineOf(loadRegorus({ ...options, path, files: read.files })),
  ];
  after(() => Promise.all(engines.map((engine) => engine.close())));
  return engines;
};

const engines = find('opa') === undefined ? [] : await open();

/** Reasons are a set: a list of JSON in no order. */
const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'reasons' in value && Array.isArray(value.reasons)
    ? { ...value, reasons: [...value.reasons].sort() }
    : value;

for (const query of queries) {
  for (const [title, input] of Object.entries(inputs)) {
    test(`${query}: ${title}: one answer from all engines`, needs('opa'), async () => {
      const answers = await Promise.all(engines.map((engine) => engine.evaluate(query, JSON.stringify(input))));
      const [opa, ...others] = answers.map((answer) =>
        answer.outcome === 'value' ? sorted(answer.value) : answer.outcome,
      );
      assert.notEqual(opa, 'failed');
      assert.deepEqual(others, [opa, opa]);
    });
  }
}
