/** What only the real Envoy can show of Checks and access logs. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type EchoApp, startEchoApp, valuesOf } from '../peers/echo-app.ts';
import { example } from '../proxies/line-up.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import { startEnvoy } from '../servers/envoy.ts';
import type { Owner } from '../servers/last-resort.ts';
import { needs } from '../servers/programs.ts';
import { request } from '../servers/request.ts';
import { until } from '../servers/until.ts';
import { sumsOf } from './usage-sums.ts';
import { startListener } from './wire.ts';

const config = `
grpc: { addr: "127.0.0.1:0" }
usage: { flush_interval: 20ms }
logger: { format: json }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: orders, match: { path: "/orders/**" }, accept: [api_key] }
  - { name: scarce, match: { path: "/scarce/**" }, accept: [api_key], limits: { per_day: 1 } }
  - { name: by-name, accept: [api_key] }
`;

const options = needs('envoy');
const plain = example('envoy/envoy-grpc.yaml');

/** Entries are sent as they come. */
const atOnce = (yaml: string): string =>
  yaml.replace('log_name: sallyport\n', 'log_name: sallyport\n                        buffer_size_bytes: 0\n');

type Scene = Readonly<{ gate: Sallyport; app: EchoApp; url: string }>;

const open = async (owner: Owner, envoyYaml: string, serviceYaml = config): Promise<Scene> => {
  const [gate, app] = await Promise.all([startSallyport({ owner, config: serviceYaml }), startEchoApp({ owner })]);
  const ports = { '127.0.0.1:8080': gate.port, '127.0.0.1:9001': gate.grpcPort, '127.0.0.1:3000': app.port };
  const { url } = await startEnvoy({ config: envoyYaml, ports, owner });
  return { gate, app, url };
};

const shared = options.skip === false ? await open({ after }, atOnce(plain)) : undefined;
const scene = (): Scene => shared ?? assert.fail('no Envoy');

const shownSums = async ({ gate }: Scene) =>
  (await sumsOf(gate)).map(({ key_id, user_id, rule, requests, billable_requests }) => ({
    key_id,
    user_id,
    rule,
    requests,
    billable_requests,
  }));

test(
  'what Envoy served is usage of whoever called; refusals are nobody’s, and headers of clients name nobody',
  options,
  async () => {
    const { gate, url } = scene();
    const { key, id } = await gate.createKey({ user_id: 'ann' });
    const forged = { 'X-API-Key-ID': 'key_forged', 'X-User-ID': 'boss' };
    const ask = (path: string, headers: Record<string, string>) => request(url, path, { headers });
    const statuses: number[] = [];
    for (const [path, headers] of [
      ['/orders/1?secret=1', { 'X-API-Key': key }],
      ['/orders/2', { 'X-API-Key': key, 'X-Answer-Status': '500' }],
      ['/orders/3', forged],
      ['/scarce/1', { 'X-API-Key': key }],
      ['/scarce/2', { 'X-API-Key': key }],
      ['/free/1', forged],
      ['/.sallyport/pay', forged],
    ] as const)
      statuses.push((await ask(path, headers)).status);
    assert.deepEqual(statuses.slice(0, 6), [200, 500, 401, 200, 429, 200]);
    const expected = [
      // Not asked about: the way to Sallyport's own page.
      { key_id: '', user_id: '', rule: '', requests: 1, billable_requests: 0 },
      { key_id: '', user_id: '', rule: 'free', requests: 1, billable_requests: 1 },
      { key_id: id, user_id: 'ann', rule: 'orders', requests: 2, billable_requests: 1 },
      { key_id: id, user_id: 'ann', rule: 'scarce', requests: 1, billable_requests: 1 },
    ];
    await until('the log has arrived', async () => {
      assert.deepEqual(await shownSums(scene()), expected);
      return true;
    });
    const { body } = await request(gate.url, '/metrics');
    assert.match(body, /^sallyport_access_log_entries_total\{result="refused"\} 2$/m);
  },
);

test('two lines of Cookie are one, and the application keeps its own', options, async () => {
  const { app, url } = scene();
  const headers = [
    ['Cookie', 'sallyport-session=ses_unknown'],
    ['Cookie', 'theme=dark'],
  ] as const;
  assert.equal((await request(url, '/free/1', { headers })).status, 200);
  const echo = app.latest() ?? assert.fail('nothing arrived');
  assert.deepEqual(valuesOf(echo, 'cookie'), ['theme=dark']);
});

test(
  'cookies that are not UTF-8 beside a session do not fail the Check, and the session stays hidden',
  options,
  async () => {
    const { app, url } = scene();
    const headers = { Cookie: 'theme=\xff; sallyport-session=ses_unknown' };
    assert.equal((await request(url, '/free/1', { headers })).status, 200);
    assert.deepEqual(valuesOf(app.latest() ?? assert.fail('nothing arrived'), 'cookie'), []);
  },
);

test('a rule that the route names is the rule, whatever the path and the client say', options, async (t) => {
  const named = plain.replace(
    '- match: { prefix: / }\n',
    `- match: { prefix: / }
                          typed_per_filter_config:
                            envoy.filters.http.ext_authz:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                              check_settings: { context_extensions: { rule: by-name } }\n`,
  );
  const { gate, url } = await open(t, named);
  const { key } = await gate.createKey();
  assert.equal((await request(url, '/free/1', { headers: { rule: 'free' } })).status, 401);
  assert.equal((await request(url, '/anything', { headers: { 'X-API-Key': key } })).status, 200);
});

test(
  'what Sallyport cannot decide or read is refused even where Envoy is told to let failures pass',
  options,
  async (t) => {
    const open503 = plain.replace('failure_mode_allow: false', 'failure_mode_allow: true');
    const issuer = `jwt: { issuers: [{ name: gone, issuer: "https://gone.internal", audience: api, jwks_url: "http://127.0.0.1:1/" }] }`;
    const rules = `${config}  - { name: tokens, match: { path: "/tokens/**" }, accept: [jwt] }\n`;
    const { gate, url } = await open(t, open503, `${issuer}\n${rules}`);
    const jwt = `${Buffer.from('{"alg":"RS256","kid":"k"}').toString('base64url')}.${Buffer.from('{"iss":"https://gone.internal"}').toString('base64url')}.AAAA`;
    const { status } = await request(url, '/tokens/1', { headers: { Authorization: `Bearer ${jwt}` } });
    assert.equal(status, 503);
    assert.equal((await request(url, '/orders/1')).status, 401);
    gate.signal('SIGKILL');
    await gate.exited();
    assert.equal(
      (await request(url, '/orders/1')).status,
      200,
      'this is what failure_mode_allow does, and why it is not set',
    );
  },
);

test('an x-request-id that Envoy takes over from clients makes one request of no two', options, async (t) => {
  const trusting = atOnce(plain)
    .replace('use_remote_address: true', 'use_remote_address: false')
    .replace('stat_prefix: in\n', 'stat_prefix: in\n                preserve_external_request_id: true\n');
  const own = await open(t, trusting);
  const headers = { 'X-Request-ID': 'always-the-same' };
  for (let n = 0; n < 5; n++) assert.equal((await request(own.url, '/free/1', { headers })).status, 200);
  await until('five are counted', async () => (await shownSums(own))[0]?.requests === 5);
});

test('Envoy finds a service that was killed and came back, and goes on sending its log', options, async (t) => {
  const own = await open(t, atOnce(plain));
  assert.equal((await request(own.url, '/free/1')).status, 200);
  await until('the first is counted', async () => (await shownSums(own))[0]?.requests === 1);
  own.gate.signal('SIGKILL');
  await own.gate.exited();
  assert.equal((await request(own.url, '/free/1')).status, 503);
  const yaml = config.replace('127.0.0.1:0', `127.0.0.1:${own.gate.grpcPort}`);
  const gate = await startSallyport({ owner: t, config: yaml, directory: own.gate.directory });
  await until('it lets through again', async () => (await request(own.url, '/free/1')).status === 200);
  await until('more is counted', async () => {
    await request(own.url, '/free/1');
    return ((await shownSums({ ...own, gate })).find(({ rule }) => rule === 'free')?.requests ?? 0) >= 2;
  });
});

test('Envoy asks for hundreds at once on a new connection, and every check is answered', options, async (t) => {
  const waiting: ((fields: readonly string[]) => void)[] = [];
  const answer = () => new Promise<readonly string[]>((resolve) => waiting.push(resolve));
  const check = { kind: 'unary', answer } as const;
  const methods = { '/envoy.service.auth.v3.Authorization/Check': check };
  const [{ address }, app] = await Promise.all([
    startListener(t, { methods, maxMessageBytes: 65_536 }),
    startEchoApp({ owner: t }),
  ]);
  const ports = { '127.0.0.1:8080': app.port, '127.0.0.1:9001': address.port, '127.0.0.1:3000': app.port };
  const { url } = await startEnvoy({ config: plain, ports, owner: t });
  const asked = Array.from({ length: 600 }, () => request(url, '/orders/1'));
  await until('all are asked about', () => waiting.length === 600);
  for (const allow of waiting) allow([]);
  assert.deepEqual(new Set((await Promise.all(asked)).map(({ status }) => status)), new Set([200]));
});
