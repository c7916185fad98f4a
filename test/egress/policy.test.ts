/** Routes of egress that ask a policy: what it denies never leaves, and is not counted. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { SignJWT } from 'jose';
import { explainEgress } from '../../src/commands/explain-egress.ts';
import { readCaller } from '../../src/commands/explained-caller.ts';
import { load } from '../../src/config/harness.test.ts';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { writePolicies } from '../servers/opa.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const owner = { after };
const secret = 'canary-secret-of-the-issuer-32-bytes';

const policies = createWorkdir('policies', owner).path;
writePolicies(policies, {
  'egress.rego': `package egress

import rego.v1

default allow := false

allow if {
    input.egress.target == "api"
    input.request.method == "GET"
    startswith(input.request.path, "/ext/read/")
}

allow if {
    input.identity.subject == "orders"
    input.token.tier == "gold"
}

reasons contains "reading is free" if input.request.method == "GET"

result := {"allow": allow, "reasons": reasons, "audit": {"asked": object.remove(input, ["identity", "token"])}}

number := 7
`,
});
const target = await startRecordingTarget({ owner });

const config = `
logger: { format: json }
jwt: { issuers: [{ name: zone, issuer: "https://zone.example", audience: egress, secret: ${secret} }] }
policy: { path: "${policies}", timeout: 5s, expose_reasons: true }
egress:
  addr: "127.0.0.1:0"
  targets:
    api: { url: "${target.url}", allow_private: true, auth: { type: bearer, token: canary-of-target }, limits: { per_minute: 3 } }
    reported: { url: "${target.url}", allow_private: true, callers: { mode: report, allow: [{ source: 203.0.113.9 }] } }
  routes:
    - { path_prefix: /ext/read, target: api, escaped_slashes: true, policy_query: data.egress.result }
    - { path_prefix: /ext/reported, target: reported, policy_query: data.egress.allow }
    - { path_prefix: /ext/strange, target: reported, policy_query: data.egress.number }
    - { path_prefix: /ext/free, target: reported }
`;

const sallyport = await startSallyport({ owner, config });
const port = /egress on 127\.0\.0\.1:(\d+)/.exec(sallyport.output())?.[1] ?? assert.fail('egress does not listen');

const ask = async (path: string, init: RequestInit = {}) => {
  const before = target.calls.length;
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
  const text = await answer.text();
  const code = answer.headers.get('content-type')?.includes('json') ? JSON.parse(text).code : undefined;
  return { status: answer.status, code, text, arrived: target.calls.length - before };
};

const tokenOf = (claims: Record<string, unknown>) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://zone.example')
    .setAudience('egress')
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(secret));

/** The latest line of the log about a call of this path. */
const lineOf = async (path: string) => {
  const find = () =>
    sallyport
      .output()
      .split('\n')
      .flatMap((line) => (line.includes('"event":"egress"') ? [JSON.parse(line)] : []))
      .findLast((line) => line.path === path);
  await until(`there is a line of ${path}`, () => find() !== undefined);
  return find();
};

test('what the policy denies is a 403 with its reasons, never reaches the target, and is not counted', async () => {
  for (let times = 0; times < 4; times++) {
    const { status, code, text, arrived } = await ask('/ext/read/a', { method: 'DELETE' });
    assert.deepEqual([status, code, arrived], [403, 'policy_denied', 0]);
    assert.deepEqual(JSON.parse(text).reasons, []);
  }
  const { error, status } = await lineOf('/ext/read/a');
  assert.deepEqual([error, status], ['policy', 403]);
});

test('what it allows goes out, and the line of the call has what the policy says; the limit counts these alone', async () => {
  const { status, arrived } = await ask('/ext/read/b%2Fc?d=e%20f');
  assert.deepEqual([status, arrived], [200, 1]);
  const { error, reasons, policy } = await lineOf('/ext/read/b%2Fc');
  assert.deepEqual([error, reasons], [undefined, ['reading is free']]);
  assert.deepEqual(policy.asked, {
    request: { method: 'GET', path: '/ext/read/b%2Fc', host: '127.0.0.1', query: 'd=e%20f' },
    headers: {},
    source: { ip: '127.0.0.1' },
    mtls: { verified: false },
    egress: { target: 'api' },
  });
  await ask('/ext/read/b');
  await ask('/ext/read/b');
  assert.equal((await ask('/ext/read/b')).code, 'rate_limited');
});

test('the caller’s token is what the policy is asked about', async () => {
  const authorized = async (claims: Record<string, unknown>) =>
    ask('/ext/reported/x', {
      method: 'POST',
      headers: { 'Proxy-Authorization': `Bearer ${await tokenOf(claims)}` },
    });
  assert.equal((await authorized({ sub: 'orders', tier: 'gold' })).status, 200);
  assert.equal((await authorized({ sub: 'orders', tier: 'tin' })).code, 'policy_denied');
});

test('callers that are only reported do not open what a policy denies', async () => {
  assert.equal((await ask('/ext/free/x')).status, 200);
  const { code, arrived } = await ask('/ext/reported/x');
  assert.deepEqual([code, arrived], ['policy_denied', 0]);
});

test('an answer that is none lets nobody out', async () => {
  const { status, code, arrived } = await ask('/ext/strange/x');
  assert.deepEqual([status, code, arrived], [503, 'policy_malformed', 0]);
  assert.equal((await lineOf('/ext/strange/…')).error, 'policy_failed');
});

test('explain says what the policy says', async () => {
  const loaded = load(config);
  const facts = readCaller(['192.0.2.1']);
  if (typeof facts === 'string') throw new Error(facts);
  const explain = async (method: string) => {
    const call = { method, host: 'sallyport', target: '/ext/read/x', facts };
    const { allowed, steps } = await explainEgress(loaded.config, call);
    return [allowed, steps.find(({ step }) => step.startsWith('policy'))?.says];
  };
  assert.deepEqual(await explain('GET'), [true, 'allows it (reading is free)']);
  assert.deepEqual(await explain('PUT'), [false, 'denies it']);
});
