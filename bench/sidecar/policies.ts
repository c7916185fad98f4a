/** What an evaluation of a policy costs, by each engine that runs in the process: the seed's policy of the order service. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedPolicy, PolicyEngine } from '../../src/checks/policy-engine.ts';
import { compilePolicies } from '../../test/servers/compiled-policy.ts';

export const query = 'data.order.allow';

/** It compares the clock with the end of the token, and does no more with it. */
export const policyText = readFileSync(
  join(import.meta.dirname, '..', '..', 'examples', 'zones', 'order-service', 'policies', 'order.rego'),
  'utf8',
);

/** Its path. */
export const writePolicy = (directory: string, text = policyText): string => {
  const path = join(directory, 'policy.rego');
  writeFileSync(path, text);
  return path;
};

/** The path of the bundle that `opa` makes of it. */
export const compilePolicy = (owner: { after(cleanUp: () => void): void }): string =>
  compilePolicies(owner, { files: { 'order.rego': policyText }, entrypoints: ['order/allow'] }).file;

const input = JSON.stringify({
  request: { method: 'POST', path: '/orders', host: 'order-service.zone2.local', query: '' },
  headers: { 'X-Correlation-ID': 'req-abc-123' },
  token: {
    iss: 'https://id.example.com/realms/users',
    aud: 'order-service',
    sub: 'user-123',
    preferred_username: 'john',
    email: 'john@example.com',
    realm_access: { roles: ['customer', 'orders:create'] },
    exp: 4_102_444_800,
  },
  identity: { method: 'jwt', subject: 'user-123', roles: [], scopes: [], issuer: 'users' },
  mtls: {
    verified: true,
    subject: { CN: 'api-gateway-client', O: 'MyOrg' },
    san: { dns: [], uri: [] },
    serial: '01',
    fingerprint: 'a'.repeat(64),
  },
  source: { ip: '10.0.0.7' },
});

const ROUNDS = 9;
const TIMES = 5_000;

const engineOf = (loaded: LoadedPolicy): PolicyEngine => {
  if ('engine' in loaded) return loaded.engine;
  throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
};

/** Microseconds of one evaluation, with JSON both ways: the median of several rounds. */
export const evaluationUs = async (loaded: LoadedPolicy): Promise<number> => {
  const engine = engineOf(loaded);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    for (let time = 0; time < TIMES; time++) {
      const given = engine.evaluate(query, input);
      const answer = given instanceof Promise ? await given : given;
      if (answer.outcome !== 'value' || answer.value !== true) throw new Error(`the policy answers ${answer.outcome}`);
    }
    rounds.push(((performance.now() - startedAt) * 1_000) / TIMES);
  }
  await engine.close();
  return rounds.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
};
