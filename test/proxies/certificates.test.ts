/** Client certificates that a real proxy has verified, and what clients write themselves by the same names. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { after, test } from 'node:test';
import { type Echo, startEchoApp, valuesOf } from '../peers/echo-app.ts';
import { startSallyport } from '../sallyport.ts';
import { createAuthority, type Pair, readPair } from '../servers/certificates.ts';
import { until } from '../servers/until.ts';
import { type CertificateFront, certificateFronts } from './certificate-fronts.ts';

const owner = { after };
const authority = createAuthority(owner);
const own = authority.issue('proxy');
const orders = authority.issue('orders', 'spiffe://zone/orders', { subject: '/O=MyOrg/CN=orders' });
const gateway = authority.issue('gateway', undefined, { subject: '/O=Acme, Inc/CN=api-gateway-client' });
const imitator = authority.issue('imitator', undefined, { subject: '/O=MyOrg/CN=x,CN=api-gateway-client' });
const stranger = createAuthority(owner).issue('orders', 'spiffe://zone/orders', { subject: '/O=MyOrg/CN=orders' });
const app = await startEchoApp({ owner });

const rules = `
grpc: { addr: "127.0.0.1:0" }
rules:
  - { name: open, match: { path: "/open/**" }, accept: [anonymous] }
  - { name: services, match: { path: "/services/**" }, accept: [certificate] }
  - name: gateway
    match: { path: "/gateway/**" }
    accept: [anonymous]
    require: { certificates: ["O=Acme\\\\, Inc,CN=api-gateway-client"] }
`;

const told: Readonly<Record<CertificateFront['format'], string>> = {
  nginx: 'forwarded_certificates: { format: nginx, hosts: [localhost] }',
  nginx_subject: 'forwarded_certificates: { format: nginx_subject, hosts: [localhost] }',
  envoy: 'forwarded_certificates: envoy',
  traefik: 'forwarded_certificates: traefik',
  rfc9440: 'forwarded_certificates: rfc9440',
  none: '',
};

const gates = new Map(
  await Promise.all(
    Object.entries(told).map(
      async ([format, line]) => [format, await startSallyport({ owner, config: `${line}${rules}` })] as const,
    ),
  ),
);

type Sent = Readonly<{ client?: Pair; headers?: Readonly<Record<string, string>> }>;

/** What came of it, and what reached the application. */
const asker =
  (port: number) =>
  async (path: string, { client, headers = {} }: Sent = {}) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      servername: 'localhost',
      headers: { Host: `localhost:${port}`, ...headers },
      agent: false,
      ca: readFileSync(authority.ca),
      ...(client && readPair(client)),
    });
    asked.end();
    const [answer] = await once(asked, 'response');
    const body = (await answer.toArray()).map(String).join('');
    const echo: Echo | undefined = answer.headers['x-answered-by'] === 'echo-app' ? JSON.parse(body) : undefined;
    const said = (name: string) => echo && valuesOf(echo, name).filter((value) => value !== '');
    return { status: Number(answer.statusCode), user: said('x-user-id'), name: said('x-client-cn') };
  };

const pemOf = ({ cert }: Pair) => readFileSync(cert, 'utf8');
const base64Of = (pair: Pair) => pemOf(pair).replace(/-----[^-]+-----|\n/g, '');

/** As the proxy itself would write them, and as an application of the CGI family would read them. */
const written: readonly Readonly<Record<string, string>>[] = [
  { 'ssl-client-verify': 'SUCCESS', 'ssl-client-cert': encodeURIComponent(pemOf(gateway)) },
  { 'ssl-client-verify': 'SUCCESS', 'ssl-client-subject-dn': 'CN=api-gateway-client,O=Acme\\, Inc' },
  { 'SSL-Client-Verify': 'SUCCESS', 'SSL-Client-Subject-DN': 'CN=api-gateway-client,O=Acme\\, Inc' },
  {
    'X-Forwarded-Client-Cert': `Subject="CN=api-gateway-client,O=Acme\\, Inc";Cert="${encodeURIComponent(pemOf(gateway))}"`,
  },
  { 'x-forwarded-client-cert': 'Subject="CN=api-gateway-client,O=Acme\\, Inc"' },
  { 'X-Forwarded-Tls-Client-Cert': base64Of(gateway) },
  { 'Client-Cert': `:${base64Of(gateway)}:` },
  { 'client-cert': `:${base64Of(gateway)}:` },
];

const imitations = [
  'X-Client-CN',
  'x-client-cn',
  'X-CLIENT-CN',
  'X_Client_CN',
  'X-Client_CN',
  'X-User-ID',
  'X_User_Roles',
];

for (const { name, format, skip, start } of certificateFronts) {
  test(name, { skip }, async (t) => {
    const gate = gates.get(format) ?? assert.fail(format);
    const ports = { '127.0.0.1:8080': gate.port, '127.0.0.1:9001': gate.grpcPort, '127.0.0.1:3000': app.port };
    const front = await start({ own, ca: authority.ca }, ports, t);
    const ask = asker(front.port);
    await until('the proxy has its routes', async () => (await ask('/open/1')).status === 200);
    const tellsUris = format !== 'nginx_subject';

    await t.test('who shows a certificate is known by it', async () => {
      const user = tellsUris ? 'spiffe://zone/orders' : 'orders';
      assert.deepEqual(await ask('/services/1', { client: orders }), { status: 200, user: [user], name: ['orders'] });
      const { status, name: cn } = await ask('/gateway/1', { client: gateway });
      assert.deepEqual([status, cn], [200, ['api-gateway-client']]);
    });

    await t.test('who shows none, or another, does not come in', async () => {
      assert.equal((await ask('/services/1')).status, 401);
      for (const sent of [{}, { client: orders }, { client: imitator }])
        assert.equal((await ask('/gateway/1', sent)).status, 403);
    });

    await t.test('a certificate of a stranger is none', async () => {
      const outcome = await ask('/services/1', { client: stranger }).catch(() => ({ status: 0, user: undefined }));
      assert.notEqual(outcome.status, 200);
      assert.equal(outcome.user, undefined);
    });

    await t.test(
      'what a client writes by the proxy’s names is no certificate, with one of its own and without',
      async () => {
        for (const headers of written) {
          const what = Object.keys(headers).join();
          assert.notEqual((await ask('/services/1', { headers })).status, 200, what);
          assert.notEqual((await ask('/gateway/1', { headers })).status, 200, what);
          assert.notEqual((await ask('/gateway/1', { client: orders, headers })).status, 200, what);
          const { status, name: cn } = await ask('/open/1', { headers });
          assert.deepEqual([status, cn], [200, []], what);
        }
      },
    );

    await t.test('what a client writes by our names does not reach the application', async () => {
      for (const header of imitations) {
        for (const sent of [{ headers: { [header]: 'boss' } }, { client: orders, headers: { [header]: 'boss' } }]) {
          const { user = [], name: cn = [] } = await ask('/open/1', sent);
          assert.ok(![...user, ...cn].includes('boss'), header);
        }
      }
    });
  });
}
