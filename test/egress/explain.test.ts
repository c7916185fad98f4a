import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { explainEgress } from '../../src/commands/explain-egress.ts';
import { readCaller } from '../../src/commands/explained-caller.ts';
import { load } from '../../src/config/harness.test.ts';
import { runSallyport } from '../sallyport.ts';
import { createWorkdir } from '../servers/workdir.ts';

const yaml = `
http: { tls: { cert_file: c, key_file: k, client_ca_file: a, client_auth: request } }
jwt: { issuers: [{ name: zone, issuer: "https://zone.example", audience: egress, secret: canary-secret-of-the-issuer-32-bytes }] }
egress:
  token_store: { encryption_key: "s3Jgx/od0G5wQMR+PFbiVz9vrRrZdZBpsgO0ZDNCNbc=" }
  targets:
    stripe: { url: https://api.stripe.com/v1, auth: { type: bearer, token: canary-token } }
    orders:
      url: https://orders.example
      auth: { type: api_key, query: key, key: canary-key }
      limits: { per_minute: 60 }
      callers: [{ certificate: "CN=orders,O=Acme" }, { issuer: zone, subject: billing, source: 10.0.0.0/8 }]
    reported: { url: https://orders.example, callers: { mode: report, allow: [{ api_key: key_1 }] } }
    narrow: { url: https://narrow.example, credentials: [{ type: bearer, token: canary-token, only: { methods: [GET] } }] }
    tokens: { url: https://t.example, auth: { type: oauth2_client_credentials, token_url: https://t.example/t, client_id: canary-id, client_secret: canary-client } }
    hooks: { url: https://hooks.example }
    inurl: { url: https://hooks.example/services/canary-of-a-webhook }
  routes:
    - { path_prefix: /ext/stripe, target: stripe, strip_prefix: /ext/stripe }
    - { path_prefix: /ext/orders, target: orders, methods: [GET] }
    - { path_prefix: /ext/reported, target: reported }
    - { path_prefix: /ext/narrow, target: narrow }
    - { path_prefix: /ext/tokens, target: tokens }
    - { host: api.stripe.com, target: stripe }
    - { path_prefix: /ext/hooks, target: hooks, strip_prefix: /ext/hooks, rewrite_prefix: /T1/canary-of-a-webhook }
    - { path_prefix: /ext/inurl, target: inurl, strip_prefix: /ext/inurl }
    - { path_prefix: /ext/accounts, target: stripe, strip_prefix: /ext/accounts, rewrite_prefix: /accounts/7 }
`;

const { config } = load(yaml);

const explain = async (target: string, as: readonly string[] = [], method = 'GET', host = 'sallyport') => {
  const facts = readCaller(as);
  assert.notEqual(typeof facts, 'string', `${as} is no caller`);
  if (typeof facts === 'string') throw new Error('unreachable');
  return explainEgress(config, { method, host, target, facts });
};

const cases: readonly (readonly [
  what: string,
  asked: Parameters<typeof explain>,
  said: readonly (string | RegExp)[],
])[] = [
  [
    'a call for everybody',
    ['/ext/stripe/charges?limit=1'],
    [
      'caller: unknown',
      'route: egress.routes[0]: path_prefix /ext/stripe',
      'target: stripe: https://api.stripe.com/v1',
      'goes to: GET https://api.stripe.com/v1/charges?limit=1',
      'callers: nobody is named: everybody who reaches the listener',
      /^credential: bearer: sets authorization, version [\w-]{16}$/,
    ],
  ],
  ['a call by host', ['/v1/x', [], 'GET', 'api.stripe.com'], ['route: egress.routes[5]: host api.stripe.com']],
  [
    'a webhook, whose secret is what the route puts before the path',
    ['/ext/hooks/x?a=1', [], 'POST'],
    ['target: hooks: https://hooks.example', 'goes to: POST https://hooks.example/…/x?a=1'],
  ],
  [
    'a webhook, whose secret is in the URL of its target',
    ['/ext/inurl/x?a=1', [], 'POST'],
    ['target: inurl: https://hooks.example/…', 'goes to: POST https://hooks.example/…/x?a=1'],
  ],
  ['an account that the route names', ['/ext/accounts/x'], ['goes to: GET https://api.stripe.com/v1/accounts/7/x']],
  ['no route', ['/ext/strip/x'], ['refused: 404 no_route: No egress route is for this path or host.']],
  [
    'another method',
    ['/ext/orders/x', [], 'POST'],
    ['refused: 405 method_not_allowed: The route is for other methods.'],
  ],
  [
    'a caller by certificate',
    ['/ext/orders/x?key=mine&a=1', ['certificate:O=Acme,CN=orders']],
    [
      'goes to: GET https://orders.example/ext/orders/x?a=1',
      'callers[0]: holds',
      'callers[1]: does not hold: issuer, subject, source',
      'limits: at most 60 calls of each caller in 60 s; this one is not counted',
    ],
  ],
  [
    'a caller from the wrong place',
    ['/ext/orders/x', ['jwt:zone/billing', '192.0.2.1']],
    [
      'caller: jwt:zone/billing',
      'callers[1]: does not hold: source',
      'refused: 403 caller_refused: This caller may not use the target.',
    ],
  ],
  [
    'a caller that shows nothing',
    ['/ext/orders/x', ['10.0.0.1']],
    ['caller: 10.0.0.1', 'callers[1]: does not hold: issuer, subject'],
  ],
  [
    'a caller that is only reported',
    ['/ext/reported/x', ['api_key:key_2']],
    ['callers: would be refused (caller_refused), but callers are not enforced (mode: report)', 'credential: none'],
  ],
  [
    'a credential that is not for this method',
    ['/ext/narrow/x', [], 'DELETE'],
    ['refused: 403 credential_forbidden: The credential bearer is not for this path or method.'],
  ],
];

for (const [what, asked, said] of cases) {
  test(`${what} is explained`, async () => {
    const { steps } = await explain(...asked);
    const lines = steps.map(({ step, says }) => `${step}: ${says}`);
    for (const line of said)
      assert.ok(
        lines.some((given) => (typeof line === 'string' ? given === line : line.test(given))),
        `${line} is not in\n${lines.join('\n')}`,
      );
  });
}

test('nothing of a secret is told, and a token is not fetched', async () => {
  for (const name of Object.keys(config.egress?.targets ?? {})) {
    const told = JSON.stringify(await explain(`/ext/${name}/x`));
    assert.doesNotMatch(told, /canary/, name);
  }
  const { allowed, credentials } = await explain('/ext/tokens/x');
  assert.deepEqual(
    [allowed, credentials[0]?.kind, credentials[0]?.headers],
    [true, 'oauth2_client_credentials', ['authorization']],
  );
});

test('what is no caller, or two of a kind, is said', () => {
  for (const as of [
    ['nobody'],
    ['10.0.0.0/8'],
    ['jwt:zone'],
    ['api_key:'],
    ['certificate:orders'],
    ['10.0.0.1', '10.0.0.2'],
    ['jwt:a/b', 'api_key:c'],
  ])
    assert.equal(readCaller(as), as.at(-1));
});

test('the command exits 0 for a call that would be made, 1 for one that is refused, 2 where it is used wrongly', () => {
  const { path } = createWorkdir('explain', { after });
  const file = join(path, 'sallyport.yaml');
  writeFileSync(file, yaml);
  const run = (...args: string[]) => runSallyport(['explain', '--config', file, ...args], { cwd: path });
  const made = run('--egress', 'http://sallyport:8080/ext/stripe/charges');
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /^goes to +GET https:\/\/api\.stripe\.com\/v1\/charges$/m);
  const refused = run('--egress', '/ext/orders/x', '--as', 'api_key:key_1', '10.0.0.1', '--json');
  assert.equal(refused.status, 1);
  assert.deepEqual(JSON.parse(refused.stdout).refusal, {
    status: 403,
    code: 'caller_refused',
    detail: 'This caller may not use the target.',
  });
  assert.deepEqual([run('--egress', 'ftp://a').status, run('--egress', '/a', '--as', 'me').status], [2, 2]);
});
