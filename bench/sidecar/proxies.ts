/**
 * The sidecar in the path, beside a bare undici proxy with the same TLS. wrk shows no certificate: an nginx on its processor does, with
 * connections that are kept.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { start as startIssuer } from '../../examples/sample-issuer/server.ts';
import { startNginx } from '../../test/servers/nginx.ts';
import { type Comparison, compareBy } from '../compare.ts';
import { byCpu } from '../egress/cpu.ts';
import { startTarget } from '../egress/target.ts';
import { type Load, load, type Measured } from '../load.ts';
import { type BenchServer, makeDirectory, onProcessor, startBareProxy, startGate } from '../servers.ts';
import { type Certificates, type Closing, tlsOf } from './certificates.ts';
import { policyText, query, writePolicy } from './policies.ts';

const headers = {
  'User-Agent': 'api-gateway/1.4 (Linux; x86_64)',
  Accept: 'application/json',
  'Accept-Encoding': 'gzip, deflate, br',
  'Content-Type': 'application/json',
  'X-Correlation-ID': '4f1d2c3b5a69788796a5b4c3d2e1f001',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
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
  /** The text of one. */
  policy?: string;
  audit?: boolean;
}>;

const startSidecar = async (closing: Closing, { upstream, issuer, certificates, policy, audit = true }: Sidecar) => {
  const directory = makeDirectory();
  closing.defer(directory.remove);
  const path = writePolicy(directory.path, policy);
  const server = await startGate({
    directory: directory.path,
    http: tlsOf(certificates),
    config: `jwt: { issuer: "${issuer}", audience: bench, jwks_url: "${issuer}/jwks" }
endpoints: { addr: "127.0.0.1:0" }
${policy === undefined ? '' : `policy: { engine: opa_embedded, path: "${path}" }`}
proxy:
  upstream: "${upstream}"
  mtls: { allowed_clients: ["CN=api-gateway-client,O=MyOrg"] }
  headers: { inject_user_id: X-User-ID, inject_claims: { email: X-User-Email }, extract: [X-Correlation-ID] }
  audit: { enabled: ${audit}, file: "${join(directory.path, 'audit.log')}" }
${policy === undefined ? '' : `  authz: { policy_query: ${query} }`}
`,
  });
  closing.defer(server.stop);
  return server;
};

const USERS = 500;

/** The first of them asks alone, or all of them in turn. */
const startCallers = async (closing: Closing) => {
  const issuer = await startIssuer();
  closing.defer(issuer.stop);
  const tokens = await Promise.all(
    Array.from({ length: USERS }, (_, index) =>
      issuer.issuer.issue(
        {
          sub: `user-${index}`,
          aud: 'bench',
          email: `john.${index}@example.com`,
          realm_access: { roles: ['customer', 'orders:create'] },
        },
        { lifetimeS: 3600 },
      ),
    ),
  );
  const directory = makeDirectory();
  closing.defer(directory.remove);
  const file = join(directory.path, 'tokens');
  writeFileSync(file, tokens.join('\n'));
  const one: Pick<Load, 'headers'> = { headers: { ...headers, Authorization: `Bearer ${tokens[0] ?? ''}` } };
  const script = { path: join(import.meta.dirname, '..', 'rotate.lua'), args: [file, 'Authorization', 'Bearer '] };
  return { url: issuer.url, one, inTurn: { headers, script } };
};

/**
 * Code is still compiled after ten seconds of load, on the same processor and in the time that is measured: some 1.5 µs a request.
 * A service that runs does that no more.
 */
const WARM_UP_S = 20;

const median = (rates: readonly number[]): number => rates.toSorted((a, b) => a - b)[rates.length >> 1] ?? Number.NaN;

type Asked = Omit<Load, 'url' | 'seconds'>;

/** By the processor's time, and by the clock beside it. */
const askedBy = (front: string, { pid }: BenchServer, asked: Asked) => {
  const rates: number[] = [];
  const ask = (seconds: number) => load({ ...asked, url: `${front}/1024`, seconds });
  const measure = async (seconds: number): Promise<Measured> => {
    const measured = await ask(seconds);
    rates.push(measured.requestsPerSecond);
    return measured;
  };
  return { byCpu: byCpu(pid, measure), rate: () => median(rates), warmUp: () => ask(WARM_UP_S) };
};

export type ProxiesBench = Readonly<{ seconds: number; report(comparison: Comparison): void }>;

export const compareProxies = async (
  closing: Closing,
  certificates: Certificates,
  { seconds, report }: ProxiesBench,
): Promise<void> => {
  const target = await startTarget(closing);
  const callers = await startCallers(closing);
  const { ca, server } = certificates;
  const bare = await startBareProxy(target.url, [server.cert, server.key, ca]);
  closing.defer(bare.stop);
  const bareFront = await startFront(closing, certificates, bare);
  await askedBy(bareFront, bare, callers.one).warmUp();

  const against = async (name: string, wanted: number, options: Partial<Sidecar>, asked: Asked = callers.one) => {
    const sidecar = await startSidecar(closing, {
      upstream: target.url,
      issuer: callers.url,
      certificates,
      ...options,
    });
    const front = await startFront(closing, certificates, sidecar);
    const [theirs, ours] = [askedBy(bareFront, bare, asked), askedBy(front, sidecar, asked)];
    await ours.warmUp();
    const title = `sidecar, ${name}, against bare undici, by CPU`;
    report(await compareBy(title, wanted, theirs.byCpu, ours.byCpu, seconds));
    console.log(`  by the clock: ${(ours.rate() / theirs.rate()).toFixed(2)}`);
    await sidecar.stop();
  };
  await against('JWT and certificate', 0.8, {});
  await against('with a Rego policy', 0.7, { policy: policyText });
  await against(`with a Rego policy, ${USERS} users`, 0.7, { policy: policyText }, callers.inTurn);
  await against('Rego asked each time', Number.NaN, { policy: `${policyText}\nnow := time.now_ns()\n` });
  await against('no audit line', Number.NaN, { audit: false });
};
