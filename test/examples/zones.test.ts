/** examples/zones end to end: with the sample identity provider, and with the real Keycloak. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { startRealms } from '../../examples/sample-issuer/realms.ts';
import { type Line, linesFor } from '../../examples/zones/lines.ts';
import { readRealm, realmFiles, startZones } from '../../examples/zones/zones.ts';
import { freePort } from '../servers/free-port.ts';
import { startKeycloak } from '../servers/keycloak.ts';
import { atExit } from '../servers/last-resort.ts';
import { launch } from '../servers/process.ts';
import { locate, needs } from '../servers/programs.ts';
import { until } from '../servers/until.ts';
import { createWorkdir } from '../servers/workdir.ts';

const owner = { after };
const ready = needs('openssl');
const withKeycloak = needs('keycloak', 'openssl');

// It takes its time; the others do not wait for it.
const keycloakStarts = withKeycloak.skip ? undefined : startKeycloak({ owner, realms: realmFiles });
keycloakStarts?.catch(() => undefined);

const nobody = await freePort();
const sample = await startRealms(realmFiles.map(readRealm));
after(sample.stop);

type Shown = Readonly<Record<string, unknown>>;
const output: string[] = [];
const startHere = async () => {
  const started = await startZones({ keycloak: sample.url, onLine: (_service, line) => output.push(line) });
  atExit(started.abandon);
  after(started.stop);
  return started;
};
const zones = ready.skip ? undefined : await startHere();
const started = () => zones ?? assert.fail('no zones');

const auditLines = (correlationId: string): Shown[] =>
  output
    .filter((line) => line.startsWith('{') && line.includes(correlationId))
    .map((line) => JSON.parse(line))
    .filter(({ event, correlation_id }) => event === 'request' && correlation_id === correlationId);

/** The lines of a request are written after its answer. */
const auditOf = async (correlationId: string, count: number): Promise<Shown[]> => {
  await until(`there are ${count} audit lines of ${correlationId}`, () => auditLines(correlationId).length >= count);
  return auditLines(correlationId);
};

// --- Tokens ---------------------------------------------------------------------------------------------------------

/** Every way to a token that the example has, and some that lead to none. */
const grants = [
  ['users', { grant_type: 'password', client_id: 'web-app', username: 'john', password: 'secret' }],
  ['users', { grant_type: 'password', client_id: 'web-app', username: 'jane', password: 'secret' }],
  ['users', { grant_type: 'password', client_id: 'web-app', username: 'john', password: 'guessed' }],
  ['users', { grant_type: 'client_credentials', client_id: 'web-app' }],
  ...[
    ['order-service', 'order-service-secret', 'data-service:read data-service:write'],
    ['payment-service', 'payment-service-secret', 'data-service:read data-service:write-payments'],
    ['payment-service', 'payment-service-secret', 'data-service:write'],
    ['order-service', 'guessed', 'data-service:read'],
    ['nobody', 'guessed'],
    ['api-gateway', 'gateway-secret'],
  ].map(
    ([client_id = '', client_secret = '', scope]) =>
      [
        'services',
        { grant_type: 'client_credentials', client_id, client_secret, ...(scope !== undefined && { scope }) },
      ] as const,
  ),
] as const;

const sorted = (value: unknown): unknown => (Array.isArray(value) ? value.toSorted() : value);

/** What a configuration or a policy of the example looks at. */
const askFor = async (url: string, realm: string, form: Readonly<Record<string, string>>) => {
  const issuer = `${url}/realms/${realm}`;
  const place = `${issuer}/protocol/openid-connect`;
  const response = await fetch(`${place}/token`, { method: 'POST', body: new URLSearchParams(form) });
  const answer = (await response.json()) as Readonly<Record<string, unknown>>;
  if (response.status !== 200) return { status: response.status, error: answer['error'] };
  const { payload, protectedHeader } = await jwtVerify(
    String(answer['access_token']),
    createRemoteJWKSet(new URL(`${place}/certs`)),
    { issuer },
  );
  const { aud, azp, sub, email, preferred_username, exp = 0, iat = 0 } = payload;
  const access = payload['realm_access'] as { roles: string[] } | undefined;
  return {
    alg: protectedHeader.alg,
    lifetime: exp - iat,
    aud: sorted(aud),
    ...(realm === 'users' ? { sub, email, roles: sorted(access?.roles) } : { hasSubject: !!sub }),
    preferred_username,
    azp,
  };
};

const tokenOf = async (realm: string, form: Readonly<Record<string, string>>): Promise<string> => {
  const place = `${sample.url}/realms/${realm}/protocol/openid-connect/token`;
  const response = await fetch(place, { method: 'POST', body: new URLSearchParams(form) });
  return ((await response.json()) as { access_token: string }).access_token;
};
const [john = '', jane = '', , , orderService = '', paymentService = ''] = await Promise.all(
  grants.map(([realm, form]) => tokenOf(realm, form)),
);
const tokens = { none: undefined, john, jane, 'order-service': orderService, 'payment-service': paymentService };

// --- Calls ----------------------------------------------------------------------------------------------------------

const hosts = {
  gateway: ['api-gateway.zone1.local', 'zone1', 'gateway'],
  order: ['order-service.zone2.local', 'zone2', 'order'],
  payment: ['payment-service.zone2.local', 'zone2', 'payment'],
  data: ['data-service.zone3.local', 'zone3', 'data'],
} as const;
type Host = keyof typeof hosts;

type Call = Readonly<{
  to: Host;
  path: string;
  /** Path of a pair below the certificates, without the ending. */
  certificate?: string | undefined;
  token?: string | undefined;
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
}>;

type Answer = Readonly<{ status: number | 'no connection'; code: string; body: Shown; headers: Shown }>;

const alerts = /ALERT|ECONNRESET|EPIPE|socket hang up/;

const call = ({ to, path, certificate, token, headers = {}, body }: Call): Promise<Answer> => {
  const { certs, ports } = started();
  const [servername, zone, port] = hosts[to];
  const read = (file: string) => readFileSync(join(certs, file));
  return new Promise((resolve, reject) => {
    const asked = request({
      ...{ host: '127.0.0.1', port: ports[port], servername, ca: read(`ca/${zone}-ca.crt`), path, agent: false },
      ...(certificate !== undefined && { cert: read(`${certificate}.crt`), key: read(`${certificate}.key`) }),
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...headers,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
    });
    asked.once('error', (error: NodeJS.ErrnoException) => {
      if (alerts.test(`${error.code} ${error.message}`))
        resolve({ status: 'no connection', code: '', body: {}, headers: {} });
      else reject(error);
    });
    asked.once('response', (response) => {
      text(response).then((received) => {
        const parsed = received.startsWith('{') ? JSON.parse(received) : {};
        resolve({ status: response.statusCode ?? 0, code: parsed.code ?? '', body: parsed, headers: response.headers });
      }, reject);
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
};

const gatewaysOwn = 'gateway/client-zone2';
const order = { product_id: 'PROD-123', quantity: 2 };

const orderFor = (token: string, headers: Readonly<Record<string, string>> = {}) =>
  call({ to: 'gateway', path: '/api/v1/orders', token, headers, body: order });

/** An order of john's, which every cell of the matrix asks for. */
const johns = ready.skip ? undefined : await orderFor(john);
const orderPath = `/orders/${johns?.body['id']}`;

// --- The flow -------------------------------------------------------------------------------------------------------

test(
  "a user's order travels from the gateway to the data service and back, and its audit lines share its id",
  ready,
  async () => {
    const id = 'req-abc-123';
    const { status, body, headers } = await orderFor(john, { 'X-Correlation-ID': id });
    assert.equal(status, 201, JSON.stringify(body));
    assert.deepEqual({ ...body, id: 'order-N' }, { id: 'order-N', user_id: 'user-123', ...order });
    assert.equal(headers['x-correlation-id'], id);

    const lines = await auditOf(id, 4);
    const shown = lines.map(({ service, method, path, decision }) => `${service} ${method} ${path} ${decision}`);
    assert.deepEqual(shown.toSorted(), [
      'api-gateway POST /api/v1/orders allow',
      'data-service GET /inventory/PROD-123 allow',
      'data-service POST /orders allow',
      'order-service POST /orders allow',
    ]);
  },
);

/** As the seed prints them, but for what is a matter of the moment. */
const seedFields = [
  {
    level: 'info',
    service: 'api-gateway',
    event: 'request',
    user_id: 'john',
    method: 'POST',
    path: '/api/v1/orders',
    downstream: 'order-service',
  },
  {
    level: 'info',
    service: 'order-service',
    event: 'request',
    mtls_client: 'api-gateway-client',
    user_context: 'john',
    method: 'POST',
    path: '/orders',
  },
  {
    level: 'info',
    service: 'data-service',
    event: 'request',
    mtls_client: 'order-service-client',
    calling_service: 'order-service',
    user_context: 'john',
    method: 'POST',
    path: '/orders',
    decision: 'allow',
  },
];

test('the audit lines have every field of the seed, with its value', ready, async () => {
  const id = 'req-of-the-fields';
  await orderFor(john, { 'X-Correlation-ID': id });
  const lines = await auditOf(id, 4);
  for (const expected of seedFields) {
    const line = lines.find(({ service, method }) => service === expected.service && method === expected.method);
    assert.deepEqual({ ...line, ...expected }, line, expected.service);
    if (expected.service === 'data-service') assert.equal(line?.['user_id'], undefined, 'a service is no user');
  }
  const reasons = lines.flatMap((line) => line['reasons'] ?? []);
  assert.ok(reasons.includes('service order-service has permission write-orders'), reasons.join(', '));
  assert.doesNotMatch(output.join('\n'), /eyJ[\w-]+\.eyJ|order-service-secret|payment-service-secret/);
});

test('what a user says about himself in headers reaches no service and no audit line', ready, async () => {
  const id = 'req-of-a-liar';
  const lies = ['X-User-ID', 'x_user_id', 'X-USER-CONTEXT', 'X-Original-User', 'X-User-Roles', 'X-Client-CN'];
  const headers = Object.fromEntries(lies.map((name) => [name, 'admin']));
  const { status, body } = await orderFor(john, { ...headers, 'X-Correlation-ID': id });
  assert.equal(status, 201, JSON.stringify(body));
  assert.equal(body['user_id'], 'user-123');
  assert.doesNotMatch(JSON.stringify(await auditOf(id, 4)), /admin/);
});

test('each user may do what his roles say, and sees nothing of others', ready, async () => {
  const pay = (token: string) =>
    call({
      to: 'gateway',
      path: '/api/v1/payments',
      token,
      body: { order_id: orderPath.split('/').at(-1), amount: 100 },
    });
  const shown = async (asked: Promise<Answer>) => {
    const { status, code } = await asked;
    return `${status} ${code}`.trim();
  };
  assert.equal(await shown(orderFor(jane)), '403 policy_denied', 'without orders:create');
  assert.equal(await shown(pay(john)), '403 policy_denied', 'without payments:create');
  assert.equal(await shown(pay(jane)), '201');
  const see = (token: string) => call({ to: 'gateway', path: `/api/v1${orderPath}`, token });
  assert.equal(await shown(see(john)), '200');
  assert.equal((await see(jane)).status, 404);
});

// --- The matrix -----------------------------------------------------------------------------------------------------

const certificates = {
  none: undefined,
  gateway: gatewaysOwn,
  order: 'order-service/client-zone3',
  payment: 'payment-service/client-zone3',
  'server of zone 1': 'gateway/server',
  'server of zone 2': 'order-service/server',
} as const;

type Cells = Readonly<Record<keyof typeof tokens, string>>;

const outside: Cells = {
  none: 'no connection',
  john: 'no connection',
  jane: 'no connection',
  'order-service': 'no connection',
  'payment-service': 'no connection',
};
const noToken = '401 credential_required';
const notOurs = '401 invalid_token';
const usersOnly = { none: noToken, 'order-service': notOurs, 'payment-service': notOurs };

/** What comes of a GET of john's order, by destination and certificate, for each token. */
const matrix: Readonly<Record<Host, (certificate: keyof typeof certificates) => Cells>> = {
  // Whoever calls it shows no certificate, and one that is shown counts for nothing. The order is john's alone.
  gateway: () => ({ ...usersOnly, john: '200', jane: '404' }),
  order: (certificate) => (certificate === 'gateway' ? { ...usersOnly, john: '200', jane: '404' } : outside),
  payment: (certificate) =>
    certificate === 'gateway' ? { ...usersOnly, john: '403 policy_denied', jane: '200' } : outside,
  data: (certificate) => {
    const others = { none: noToken, john: notOurs, jane: notOurs };
    // Each with its own token: the other's is stolen.
    if (certificate === 'order') return { ...others, 'order-service': '200', 'payment-service': '403 policy_denied' };
    if (certificate === 'payment') return { ...others, 'order-service': '403 policy_denied', 'payment-service': '200' };
    return outside;
  },
};

for (const to of Object.keys(hosts) as Host[]) {
  for (const name of Object.keys(certificates) as (keyof typeof certificates)[]) {
    test(`${to}, with the certificate ${name}: every token opens what the matrix says`, ready, async () => {
      const path = to === 'gateway' ? `/api/v1${orderPath}` : orderPath;
      const cells = Object.entries(tokens).map(async ([whose, token]) => {
        const { status, code } = await call({ to, path, certificate: certificates[name], token });
        return [whose, `${status} ${code}`.trim()];
      });
      assert.deepEqual(Object.fromEntries(await Promise.all(cells)), matrix[to](name));
    });
  }
}

/** What each service may do at the data service, by its own egress, with all its credentials. */
const permissions = [
  ['GET', '/inventory/PROD-123', 'allowed', 'refused'],
  ['GET', orderPath, 'allowed', 'allowed'],
  ['POST', '/orders', 'allowed', 'refused'],
  ['POST', '/payments', 'refused', 'allowed'],
] as const;

for (const [method, path, ...whether] of permissions) {
  for (const [index, service] of (['order', 'payment'] as const).entries()) {
    test(
      `the ${service} service is ${whether[index]} ${method} ${path.replace(/\d+$/, 'N')} at the data service`,
      ready,
      async () => {
        const { ports } = started();
        const answer = await fetch(`http://127.0.0.1:${ports[`${service}Egress`]}/data${path}`, {
          method,
          ...(method === 'POST' && {
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ ...order, order_id: 'order-1', amount: 1, user_id: 'user-123' }),
          }),
        });
        const body = (await answer.json()) as { code?: string };
        if (whether[index] === 'allowed') assert.ok(answer.ok, JSON.stringify(body));
        else assert.deepEqual([answer.status, body.code], [403, 'policy_denied']);
      },
    );
  }
}

test('a certificate of the right authority with another name is refused by its name', ready, async () => {
  const { certs } = started();
  const openssl = (...args: string[]) => execFileSync(locate('openssl'), args, { cwd: certs, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'other.key'];
  openssl('req', ...key, '-subj', '/O=MyOrg/CN=x,CN=api-gateway-client', '-out', 'other.csr');
  writeFileSync(join(certs, 'other.cnf'), 'extendedKeyUsage=clientAuth\n');
  const authority = ['-CA', 'ca/zone1-ca.crt', '-CAkey', 'private/zone1-ca.key', '-set_serial', '7'];
  openssl('x509', '-req', '-in', 'other.csr', ...authority, '-extfile', 'other.cnf', '-out', 'other.crt');
  const { status, code } = await call({ to: 'order', path: orderPath, certificate: 'other', token: john });
  assert.deepEqual([status, code], [403, 'certificate_refused']);
});

test(
  "the gateway's certificate does not make a token good: expired, for somebody else, by another key",
  ready,
  async () => {
    const users = sample.issuerOf('users');
    const claims = { sub: 'user-123', aud: ['order-service'], realm_access: { roles: ['orders:create'] } };
    const bad = [
      await users.issue(claims, { lifetimeS: -3600 }),
      await users.issue({ ...claims, aud: ['payment-service'] }),
      await sample.issuerOf('services').issue({ ...claims, iss: users.url }),
      `${john.split('.').slice(0, 2).join('.')}.`,
    ];
    for (const token of bad) {
      const { status } = await call({ to: 'order', path: orderPath, certificate: gatewaysOwn, token });
      assert.equal(status, 401);
    }
  },
);

// --- As printed -----------------------------------------------------------------------------------------------------

const shell = promisify(execFile);
const CURL_MS = 20_000;

/** The provider is of this process: nothing here may wait for a line without letting it answer. */
const runAsPrinted = async (signIn: readonly string[], { shows, status, command }: Line): Promise<void> => {
  const script = [...signIn, `${command} -sS`].join('\n');
  const { stdout, stderr } = await shell('bash', ['-c', script], { timeout: CURL_MS }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  const [, found = '0'] = /^HTTP\/1\.1 (\d+)/.exec(stdout) ?? [];
  assert.equal(Number(found), status, `${shows}\n${command}\n${stdout}${stderr}`);
  if (status === 0) assert.match(stderr, /^curl: \(\d+\).*(certificate required|reset)/m);
};

test('every printed line does what is printed above it', ready, async () => {
  const { signIn, lines } = linesFor(started());
  assert.equal(lines.length, 9);
  for (const line of lines) await runAsPrinted(signIn, line);
});

const linesIn = (printed: string) => ({
  signIn: [...printed.matchAll(/^ {2}([A-Z]+=.*)$/gm)].map(([, line = '']) => line),
  lines: [...printed.matchAll(/^ {2}# (\d+|refused): (.*)\n {2}(curl .*)$/gm)].map(
    ([, status, shows = '', command = '']) => ({ status: Number(status) || 0, shows, command }),
  ),
});

test(
  'the command prints lines that work, shows the audit lines, and leaves nothing behind, with Keycloak',
  withKeycloak,
  async (t) => {
    const keycloak = (await keycloakStarts) ?? assert.fail('no Keycloak');
    const { path: temporary } = createWorkdir('zones-command', t);
    const example = await launch({
      command: process.execPath,
      args: [
        join(import.meta.dirname, '../../examples/zones/main.ts'),
        '--free-ports',
        '--keycloak',
        `${keycloak.url}/`,
      ],
      stopSignal: 'SIGINT',
      graceMs: 15_000,
      owner: t,
      env: { TMPDIR: temporary, DATABASE_URL: 'postgres://nowhere/at-all', REDIS_URL: 'redis://nowhere' },
    });
    await until('it has printed its lines', () => example.output().includes('Ctrl-C ends it'), { deadlineMs: 60_000 });
    const { signIn, lines } = linesIn(example.output());
    assert.equal(lines.length, 9);
    for (const line of lines) await runAsPrinted(signIn, line);
    const shown = () => example.output().match(/^\{.*"correlation_id":"req-abc-123".*$/gm) ?? [];
    await until('its audit lines are shown', () => shown().length >= 4);

    await example.stop();
    assert.equal(await example.exited(), 'code 0');
    assert.deepEqual(readdirSync(temporary), []);
    for (const [, port] of example.output().matchAll(/127\.0\.0\.1:(\d+)$/gm)) {
      if (keycloak.port !== Number(port)) await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
    }
  },
);

for (const [what, url, expected] of [
  ['is no URL', 'localhost', /--keycloak localhost: not a URL such as/],
  [
    'has not the realms',
    `${sample.url}/elsewhere`,
    /elsewhere\/realms\/users: 404\. Start Keycloak with --import-realm/,
  ],
  ['is not there', `http://127.0.0.1:${nobody}`, /realms\/users: no answer \(.*ECONNREFUSED.*\)\. Start Keycloak/],
] as const) {
  test(`a Keycloak that ${what}: the command says so, and what to do`, async () => {
    const main = join(import.meta.dirname, '../../examples/zones/main.ts');
    await assert.rejects(
      shell(process.execPath, [main, '--keycloak', url]),
      (error: { code: number; stderr: string }) => {
        assert.equal(error.code, 1);
        assert.match(error.stderr, expected);
        return true;
      },
    );
  });
}

test('the sample provider grants and refuses what Keycloak does, with the same claims', withKeycloak, async () => {
  const keycloak = (await keycloakStarts) ?? assert.fail('no Keycloak');
  const allOf = (url: string) => Promise.all(grants.map(([realm, form]) => askFor(url, realm, form)));
  assert.deepEqual(await allOf(sample.url), await allOf(keycloak.url));
});
