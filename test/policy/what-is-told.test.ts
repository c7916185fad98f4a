/** A policy that is told what it can see alone, by a caller it has met before, answers as one that is told everything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyAnswer } from '../../src/checks/policy-engine.ts';
import { inputText, policyInput, toldTo } from '../../src/checks/policy-input.ts';
import type { Eventually } from '../../src/core/eventually.ts';
import type { Identity } from '../../src/core/identity.ts';
import type { AuthRequest, ClientCertificate } from '../../src/core/request.ts';
import { loadRegorus } from '../../src/stores/policy/regorus/regorus.ts';
import { cases, data, input } from './parity-cases.ts';

const certificate: ClientCertificate = {
  subject: 'O=MyOrg\nOU=a\nOU=b\nCN=api-gateway-client',
  issuer: 'CN=zone-CA',
  fingerprint: 'ab'.repeat(32),
  canonicalSubject: undefined,
  uris: [],
  dnsNames: [],
  serial: '01',
  attributes: { CN: ['api-gateway-client'], O: ['MyOrg'], OU: ['a', 'b'] },
};

const identity: Identity = {
  method: 'jwt',
  issuer: 'users',
  subject: input.token.sub,
  roles: input.identity.roles,
  scopes: input.identity.scopes,
  claims: input.token,
};

const headers = Object.fromEntries(Object.entries(input.headers).map(([name, value]) => [name.toLowerCase(), value]));

const request: AuthRequest = {
  ...input.request,
  id: 'r-1',
  scheme: 'https',
  clientIp: input.source.ip,
  certificate,
  header: (name) => headers[name],
  findHeaderName: () => undefined,
};

const extract = Object.keys(input.headers);
const query = 'data.one.answer';

test('all policies of the parity suite answer alike, whether they are told all or what they can see', () => {
  let compared = 0;
  for (const { title, policy } of cases) {
    const files = { 'data.json': JSON.stringify(data), 'one.rego': `package one\nimport rego.v1\n\n${policy}\n` };
    const options = { path: '/policies', files, queries: [query], timeoutMs: 30_000, now: () => 1_700_000_000_000 };
    const loaded = loadRegorus(options);
    // What regorus does not take is the affair of test/policy/parity.test.ts.
    if (!('engine' in loaded)) continue;
    const { engine } = loaded;
    assert.ok(engine.evaluateParts);
    const all = engine.evaluate(query, inputText(policyInput(request, identity, toldTo({}, extract))));
    const { own, parts } = policyInput(request, identity, toldTo(engine, extract));
    for (let round = 0; round < 3; round++) {
      const told: Eventually<PolicyAnswer> = engine.evaluateParts(query, own, parts);
      if ('outcome' in all && all.outcome === 'failed')
        assert.ok('outcome' in told && told.outcome === 'failed', title);
      else assert.deepEqual(told, all, title);
    }
    compared += 1;
  }
  assert.ok(compared > 100, `${compared} policies`);
});
