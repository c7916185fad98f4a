/** An upstream that is a target of egress is called as that target is: with its credential, for its callers, within its limits. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { request } from '../servers/request.ts';
import { jwtBlock, userToken } from './tokens.ts';

const owner = { after };
const [keyed, asked, limited, broken] = await Promise.all([1, 2, 3, 4].map(() => startRecordingTarget({ owner })));
assert.ok(keyed && asked && limited && broken);
const gate = await startSallyport({
  owner,
  config: `${jwtBlock}
trusted_proxies: []
proxy:
  headers: { inject_claims: { team: X-Team } }
  routes:
    - { path: "/keyed/**", upstream: "${keyed.url}/v1/api", strip_prefix: /keyed }
    - { path: "/asked/**", upstream: "${asked.url}" }
    - { path: "/limited/**", upstream: "${limited.url}" }
    - { path: "/broken/**", upstream: "${broken.url}" }
egress:
  addr: "127.0.0.1:0"
  defaults: { retry_count: 0 }
  targets:
    keyed:
      url: "${keyed.url}/v1"
      allow_private: true
      credentials: [{ type: bearer, token: the-secret }, { type: api_key, query: key, key: the-key }, { type: api_key, header: X-Team, key: ours }]
    asked: { url: "${asked.url}", allow_private: true, callers: [{ issuer: default, subject: john }] }
    limited: { url: "${limited.url}", allow_private: true, limits: { per_minute: 2 } }
    broken: { url: "${broken.url}", allow_private: true, breaker: { failures: 2, open_for: 60s } }
`,
});

const ask = async (path: string, claims: Readonly<Record<string, unknown>> = {}) => {
  const headers = { authorization: `Bearer ${await userToken(claims)}` };
  const { status, body } = await request(gate.url, path, { headers });
  return [status, status === 200 ? undefined : JSON.parse(body).code];
};

test('its credentials take the place of whatever stands there, and its host is its own', async () => {
  assert.deepEqual(await ask('/keyed/x?a=1&key=mine', { team: 'theirs' }), [200, undefined]);
  const { url, values } = keyed.latest();
  assert.equal(url, '/v1/api/x?a=1&key=the-key');
  assert.deepEqual(['Authorization', 'X-Team', 'X-User-ID', 'Host'].map(values), [
    ['Bearer the-secret'],
    ['ours'],
    ['john'],
    [new URL(keyed.url).host],
  ]);
});

test('who may use it is asked besides, after the rule', async () => {
  assert.deepEqual(await ask('/asked/x'), [200, undefined]);
  assert.deepEqual(asked.latest().values('Authorization'), []);
  assert.deepEqual(await ask('/asked/x', { sub: 'jane' }), [403, 'caller_refused']);
  assert.equal((await request(gate.url, '/asked/x')).status, 401);
  assert.equal(asked.calls.length, 1);
});

test('its limits count, and its breaker ends what fails', async () => {
  assert.deepEqual(
    [await ask('/limited/x'), await ask('/limited/x'), (await ask('/limited/x'))[0]],
    [[200, undefined], [200, undefined], 429],
  );
  broken.behave(({ socket }) => void socket.destroy(), { raw: true });
  assert.deepEqual(await ask('/broken/x'), [502, 'target_reset']);
  assert.deepEqual(await ask('/broken/x'), [502, 'target_reset']);
  assert.deepEqual(await ask('/broken/x'), [503, 'target_suspended']);
});
