/**
 * The sidecar in the path, beside a bare undici proxy with the same TLS; what policies cost; handshakes beside node:tls. wrk shows
 * no certificate: an nginx on its processor does, with connections that are kept.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { start as startIssuer } from '../../examples/sample-issuer/server.ts';
import { readPolicyFiles } from '../../src/config/policy-files.ts';
import { loadOpaWasm } from '../../src/stores/policy/opa-wasm/opa-wasm.ts';
import { loadRegorus } from '../../src/stores/policy/regorus/regorus.ts';
import { createAuthority } from '../../test/servers/certificates.ts';
import { startNginx } from '../../test/servers/nginx.ts';
import { find } from '../../test/servers/programs.ts';
import { type Comparison, compare, compareBy } from '../compare.ts';
import { byCpu, loadByCpu } from '../egress/cpu.ts';
import { startTarget } from '../egress/target.ts';
import { fillKeys, proxyHeaders } from '../fixtures.ts';
import {
  type BenchServer,
  makeDirectory,
  onProcessor,
  startBare,
  startBareProxy,
  startBareTls,
  startGate,
} from '../servers.ts';
import { handshakes } from './handshakes.ts';
import { compilePolicy, evaluationUs, query, writePolicy } from './policies.ts';

type Closing = { defer(close: () => unknown): void };
export type SidecarBench = Readonly<{ seconds: number; report(comparison: Comparison): void }>;

const headers = {
  'User-Agent': 'api-gateway/1.4 (Linux; x86_64)',
  Accept: 'application/json',
  'Accept-Encoding': 'gzip, deflate, br',
  'Content-Type': 'application/json',
  'X-Correlation-ID': '4f1d2c3b5a69788796a5b4c3d2e1f001',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};

const rotate = join(import.meta.dirname, '..', 'rotate.lua');

type Certificates = ReturnType<typeof makeCertificates>;

const makeCertificates = (closing: Closing) => {
  const zone = createAuthority({ after: closing.defer });
  const client = zone.issue('client', undefined, { subject: '/CN=api-gateway-client/O=MyOrg' });
  return { ca: zone.ca, server: zone.issue('server'), client };
};

/** A client's certificate for whoever asks without one. When wrk leaves, what it asked is still answered: no call is given up. */
const startFront = async (closing: Closing, { client }: Certificates, { port }: BenchServer): Promise<string> => {
  const front = await startNginx({
    config: `upstream sidecar { server 127.0.0.1:3000; keepalive 64; keepalive_requests 1000000; }
server {
  listen 127.0.0.1:8000;
  keepalive_requests 1000000;
  location / {
    proxy_pass https://sidecar;
    proxy_ssl_certificate ${client.cert};
    proxy_ignore_client_abort on;
    proxy_ssl_certificate_key ${client.key};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
  }
}`,
    ports: { '127.0.0.1:3000': port },
    owner: { after: closing.defer },
  });
  onProcessor(1, front.pid);
  return front.url;
};

type Sidecar = Readonly<{
  upstream: string;
  issuer: string;
  certificates: Certificates;
  policy?: boolean;
  audit?: boolean;
}>;

const tlsOf = ({ ca, server }: Certificates) =>
  `tls: { cert_file: "${server.cert}", key_file: "${server.key}", client_ca_file: "${ca}", client_auth: require }`;

const startSidecar = async (
  closing: Closing,
  { upstream, issuer, certificates, policy = false, audit = true }: Sidecar,
) => {
  const directory = makeDirectory();
  closing.defer(directory.remove);
  const path = writePolicy(directory.path);
  const server = await startGate({
    directory: directory.path,
    http: tlsOf(certificates),
    config: `jwt: { issuer: "${issuer}", audience: bench, jwks_url: "${issuer}/jwks" }
endpoints: { addr: "127.0.0.1:0" }
${policy ? `policy: { engine: opa_embedded, path: "${path}" }` : ''}
proxy:
  upstream: "${upstream}"
  mtls: { allowed_clients: ["CN=api-gateway-client,O=MyOrg"] }
  headers: { inject_user_id: X-User-ID, inject_claims: { email: X-User-Email }, extract: [X-Correlation-ID] }
  audit: { enabled: ${audit}, file: "${join(directory.path, 'audit.log')}" }
${policy ? `  authz: { policy_query: ${query} }` : ''}
`,
  });
  closing.defer(server.stop);
  return server;
};

const compareProxies = async (closing: Closing, certificates: Certificates, { seconds, report }: SidecarBench) => {
  const target = await startTarget(closing);
  const issuer = await startIssuer();
  closing.defer(issuer.stop);
  const token = await issuer.issuer.issue(
    {
      sub: 'user-123',
      aud: 'bench',
      email: 'john@example.com',
      realm_access: { roles: ['customer', 'orders:create'] },
    },
    { lifetimeS: 3600 },
  );
  const { ca, server } = certificates;
  const bare = await startBareProxy(target.url, [server.cert, server.key, ca]);
  closing.defer(bare.stop);
  const bareFront = await startFront(closing, certificates, bare);
  const asking = (url: string, { pid }: BenchServer) =>
    loadByCpu(pid, { url: `${url}/1024`, headers: { ...headers, Authorization: `Bearer ${token}` } });

  const against = async (name: string, wanted: number, options: Partial<Sidecar>) => {
    const sidecar = await startSidecar(closing, { upstream: target.url, issuer: issuer.url, certificates, ...options });
    const front = await startFront(closing, certificates, sidecar);
    const title = `sidecar, ${name}, against bare undici, by CPU`;
    report(await compareBy(title, wanted, asking(bareFront, bare), asking(front, sidecar), seconds));
  };
  await against('JWT and certificate', 0.8, {});
  await against('with a Rego policy', 0.7, { policy: true });
  await against('no audit line', Number.NaN, { audit: false });
};

/** More paths than answers are remembered. */
const PATHS = 20_000;

const policyOf = (condition: string): string =>
  `package api\nimport rego.v1\ndefault allow := false\nallow if {\n\t${condition}\n\tinput.identity.method == "api_key"\n}\n`;

const comparePolicyCheck = async (closing: Closing, { seconds, report }: SidecarBench) => {
  const bare = await startBare('answer');
  closing.defer(bare.stop);
  const gateWith = async (policy: string) => {
    const directory = makeDirectory();
    closing.defer(directory.remove);
    const [key = ''] = fillKeys(join(directory.path, 'bench.db'), 100);
    const file = writePolicy(directory.path, policy);
    const server = await startGate({
      directory: directory.path,
      config: `policy: { engine: opa_embedded, path: "${file}" }
rules: [{ name: api, match: { host: shop.example.com, path: "/api/**" }, accept: [api_key], policy: data.api.allow }]
`,
    });
    closing.defer(server.stop);
    return { server, directory: directory.path, headers: { ...proxyHeaders, Authorization: `Bearer ${key}` } };
  };
  const at = ({ url }: BenchServer) => `${url}/auth/nginx`;

  const hot = await gateWith(policyOf('input.request.method == "GET"'));
  const asked = (server: BenchServer) => ({ url: at(server), headers: hot.headers });
  report(await compare('API key and a policy', 0.6, asked(bare), asked(hot.server), seconds));

  const cold = await gateWith(policyOf('startswith(input.request.path, "/api/v1/orders/")'));
  const file = join(cold.directory, 'urls');
  writeFileSync(
    file,
    Array.from({ length: PATHS }, (_, n) => `https://shop.example.com/api/v1/orders/${n}`).join('\n'),
  );
  const script = { path: rotate, args: [file, 'X-Original-URL', ''] };
  const inTurn = (server: BenchServer) => ({ url: at(server), headers: cold.headers, script });
  const name = 'API key and a policy, each path anew';
  report(await compare(name, Number.NaN, inTurn(bare), inTurn(cold.server), seconds));
};

const compareHandshakes = async (closing: Closing, certificates: Certificates, { seconds, report }: SidecarBench) => {
  const { ca, server, client } = certificates;
  const bare = await startBareTls([server.cert, server.key, ca]);
  closing.defer(bare.stop);
  const directory = makeDirectory();
  closing.defer(directory.remove);
  const gate = await startGate({
    directory: directory.path,
    http: tlsOf(certificates),
    config: 'endpoints: { addr: "127.0.0.1:0" }\nrules: []\n',
  });
  closing.defer(gate.stop);
  const asking = ({ port, pid }: BenchServer) => byCpu(pid, handshakes(port, client));
  const title = 'handshakes with a certificate, against node:tls, by CPU';
  report(await compareBy(title, 0.9, asking(bare), asking(gate), seconds));
};

/** Of the engines that run in the process; where there is no opa, there is nothing to compile with. */
const tellEvaluations = async (closing: Closing) => {
  const directory = makeDirectory();
  closing.defer(directory.remove);
  const path = writePolicy(directory.path);
  const options = { queries: [query], timeoutMs: 1_000, now: Date.now };
  const read = readPolicyFiles(path);
  if ('problems' in read) throw new Error(`${path} cannot be read`);
  const regorus = await evaluationUs(loadRegorus({ ...options, path, files: read.files }));
  console.log(`policy evaluation, JSON both ways: ${regorus.toFixed(1)} µs by regorus`);
  if (find('opa') === undefined) return;
  const file = compilePolicy({ after: closing.defer });
  const wasm = await evaluationUs(await loadOpaWasm({ ...options, file, verification: undefined }));
  console.log(`  ${wasm.toFixed(1)} µs compiled to WebAssembly by opa`);
};

export const compareSidecar = async (closing: Closing, bench: SidecarBench): Promise<void> => {
  const certificates = makeCertificates(closing);
  await compareProxies(closing, certificates, bench);
  await comparePolicyCheck(closing, bench);
  await compareHandshakes(closing, certificates, bench);
  await tellEvaluations(closing);
};
