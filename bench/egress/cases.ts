/**
 * Calls through egress, beside a bare undici proxy and nginx, by the clock and for each second of a processor that a proxy uses; and
 * ten thousand routes beside ten.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startNginx } from '../../test/servers/nginx.ts';
import { type Comparison, compareBy } from '../compare.ts';
import { type BenchServer, makeDirectory, onProcessor, startBareProxy, startGate, startService } from '../servers.ts';
import { bothWays, loadByCpu } from './cpu.ts';
import { sizes, startTarget } from './target.ts';

type Closing = { defer(close: () => unknown): void };

type Size = keyof typeof sizes;

type Proxy = Readonly<{ url: string; pid: number }>;

type Against = Readonly<{
  name: string;
  size: Size;
  proxy: Proxy;
  subject: Proxy;
  wanted: number;
  /** NaN where it is for comparison alone. */
  wantedByProcessor: number;
}>;

const headers = {
  'User-Agent': 'orders/1.4 (Linux; x86_64)',
  Accept: 'application/json',
  'Accept-Encoding': 'gzip, deflate, br',
  'Content-Type': 'application/json',
  'X-Request-ID': '4f1d2c3b5a69788796a5b4c3d2e1f001',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};

/** Gives a token that lasts. */
const startTokens = async (closing: Closing): Promise<string> => {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ access_token: 'token', token_type: 'Bearer', expires_in: 3600 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.defer(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
};

const startEgress = async (closing: Closing, target: string, tokens: string, routes: number): Promise<BenchServer> => {
  const directory = makeDirectory();
  closing.defer(directory.remove);
  const others = Array.from(
    { length: routes - 1 },
    (_, index) => `    - { path_prefix: /ext/service-${index}, target: target }`,
  );
  const server = await startGate({
    directory: directory.path,
    config: `egress:
  targets:
    target:
      url: ${target}
      allow_private: true
      auth: { type: oauth2_client_credentials, token_url: "${tokens}", client_id: id, client_secret: secret }
  routes:
    - { path_prefix: /ext/target, target: target, strip_prefix: /ext/target }
${others.join('\n')}
`,
  });
  closing.defer(server.stop);
  return server;
};

const startProxyingNginx = async (closing: Closing, port: number) => {
  const server = await startNginx({
    config: `upstream target { server 127.0.0.1:3000; keepalive 64; }
server {
  listen 127.0.0.1:8000;
  keepalive_requests 1000000;
  location /ext/target/ {
    proxy_pass http://target/;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Authorization "Bearer token";
  }
}`,
    ports: { '127.0.0.1:3000': port },
    owner: { after: closing.defer },
  });
  onProcessor(0, server.pid);
  return server;
};

export type EgressBench = Readonly<{ seconds: number; report(comparison: Comparison): void }>;

/**
 * Against nginx before a service of node:http, as where the design has its figures from (platform.md: nginx 49k/s, undici 35k/s).
 * Before files that another nginx sends, the clock says how little nginx uses, which is for comparison alone.
 */
export const compareEgress = async (closing: Closing, { seconds, report }: EgressBench): Promise<void> => {
  const service = await startService();
  closing.defer(service.stop);
  const files = await startTarget(closing);
  const tokens = await startTokens(closing);
  const egress = await startEgress(closing, files.url, tokens, 10);
  const asked = ({ url }: Proxy, size: Size) => ({ url: `${url}/ext/target/${sizes[size]}`, headers });

  const against = async ({ name, size, proxy, subject, wanted, wantedByProcessor }: Against) => {
    const row = `egress, ${size}, against ${name}`;
    const [theirs, ours] = [bothWays(proxy.pid, asked(proxy, size)), bothWays(subject.pid, asked(subject, size))];
    report(await compareBy(row, wanted, theirs.byClock, ours.byClock, seconds));
    const byProcessor = `${row}, for each second of a processor`;
    report(await compareBy(byProcessor, wantedByProcessor, theirs.byProcessor, ours.byProcessor, seconds));
  };
  const bare = await startBareProxy(files.url);
  closing.defer(bare.stop);
  const nginx = await startProxyingNginx(closing, files.port);
  for (const size of ['1 KiB', '1 MiB'] as const) {
    await against({ name: 'bare undici', size, proxy: bare, subject: egress, wanted: 0.8, wantedByProcessor: 0.8 });
    const wanted = size === '1 MiB' ? 0.55 : Number.NaN;
    await against({ name: 'nginx', size, proxy: nginx, subject: egress, wanted, wantedByProcessor: Number.NaN });
  }
  await against({
    name: 'nginx, before a service of node:http',
    size: '1 KiB',
    proxy: await startProxyingNginx(closing, service.port),
    subject: await startEgress(closing, service.url, tokens, 10),
    wanted: 0.55,
    wantedByProcessor: Number.NaN,
  });
  const many = await startEgress(closing, files.url, tokens, 10_000);
  const byProcessor = (proxy: Proxy) => loadByCpu(proxy.pid, asked(proxy, '1 KiB'));
  const name = 'egress, 10,000 routes against 10';
  report(await compareBy(name, 0.9, byProcessor(egress), byProcessor(many), seconds));
};
