/** Every proxy that has an example, started on exactly its files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ports } from '../servers/addresses.ts';
import { startCaddy } from '../servers/caddy.ts';
import { startEnvoy } from '../servers/envoy.ts';
import { freePort } from '../servers/free-port.ts';
import { startHaproxy } from '../servers/haproxy.ts';
import type { Owner } from '../servers/last-resort.ts';
import { type NginxOptions, startNginx } from '../servers/nginx.ts';
import { needs } from '../servers/programs.ts';
import type { Server } from '../servers/server.ts';
import { needsTraefik, startTraefik } from './traefik.ts';
import { startTraefikStandIn } from './traefik-stand-in.ts';

export type Front = Pick<Server, 'url' | 'port'>;

export type Fronted = Readonly<{
  name: string;
  /** What clients are told where Sallyport does not answer at all. */
  whenGone: 500 | 502 | 503;
  /** What they are told, after 10 s, where it takes the question and says nothing; the same without it. */
  whenStuck?: 504;
  /** Why it cannot be tested here, or false. */
  skip: string | false;
  start(ports: Ports, owner: Owner): Promise<Front>;
  /** It tells clients the status and headers of a refusal, but not its document. */
  bodiless?: true;
  /** It makes a failure of its own of any 5xx: no document, and no more than `Retry-After`. */
  hidesFailures?: true;
  /** Of a permission it hands no header to the client but `Set-Cookie`. */
  tellsCookiesAlone?: true;
  /** It opens a connection for each call to Sallyport. */
  connectsEachTime?: true;
  /** It waits for longer than 10 s for a Sallyport that is stuck. */
  patient?: true;
}>;

const root = join(import.meta.dirname, '..', '..');

export const example = (path: string): string => readFileSync(join(root, 'examples', path), 'utf8');

const nginx =
  (config: string, more: Pick<NginxOptions, 'files' | 'modules'> = {}): Fronted['start'] =>
  (ports, owner) =>
    startNginx({ config, ports, owner, ...more });

/** Hosts that the tests ask for, beside the address that the example names: where a user puts the names of a site. */
const hosts = ['open.example.com', 'closed.example.com'];

const caddy =
  (version: 'caddy' | 'caddy-old'): Fronted['start'] =>
  async (ports, owner) => {
    const own = await freePort();
    const address = 'http://127.0.0.1:8000';
    const addresses = [address, ...hosts.map((host) => `http://${host}:${own}`)].join(', ');
    const config = example('caddy/Caddyfile').replace(address, addresses);
    return startCaddy({ config, ports: { ...ports, '127.0.0.1:8000': own }, owner }, version);
  };

export const ingressNginx = readFileSync(join(import.meta.dirname, 'ingress-nginx.conf'), 'utf8');

export const lineUp: readonly Fronted[] = [
  { name: 'nginx, challenge', ...needs('nginx'), whenGone: 503, start: nginx(example('nginx/challenge.conf')) },
  {
    name: 'nginx, status',
    ...needs('nginx'),
    whenGone: 503,
    start: nginx(example('nginx/status.conf')),
    bodiless: true,
  },
  {
    name: 'nginx, njs',
    whenGone: 503,
    ...needs('nginx', 'nginx-js'),
    start: nginx(example('nginx/njs.conf'), {
      modules: ['js'],
      files: { 'sallyport.js': example('nginx/sallyport.js') },
    }),
  },
  {
    name: 'nginx, Lua',
    whenGone: 503,
    ...needs('nginx', 'nginx-lua'),
    start: nginx(example('nginx/lua.conf'), { modules: ['lua'] }),
  },
  {
    name: 'nginx, as ingress-nginx configures it',
    whenGone: 500,
    ...needs('nginx'),
    start: nginx(ingressNginx),
    tellsCookiesAlone: true,
    connectsEachTime: true,
    patient: true,
  },
  { name: 'Caddy', whenGone: 502, whenStuck: 504, ...needs('caddy'), start: caddy('caddy') },
  { name: 'Caddy 2.6', whenGone: 502, whenStuck: 504, ...needs('caddy-old'), start: caddy('caddy-old') },
  {
    name: 'HAProxy',
    whenGone: 503,
    ...needs('haproxy'),
    start: async (ports, owner) =>
      startHaproxy({
        config: example('haproxy/haproxy.cfg'),
        files: { 'sallyport.lua': example('haproxy/sallyport.lua') },
        ports: { ...ports, '127.0.0.1:8001': await freePort() },
        owner,
      }),
  },
  {
    name: 'Envoy',
    whenGone: 503,
    ...needs('envoy'),
    hidesFailures: true,
    start: (ports, owner) => startEnvoy({ config: example('envoy/envoy.yaml'), ports, owner }),
  },
  {
    name: 'Envoy over gRPC',
    whenGone: 503,
    ...needs('envoy'),
    start: (ports, owner) => startEnvoy({ config: example('envoy/envoy-grpc.yaml'), ports, owner }),
  },
  {
    name: 'Envoy over gRPC, with headers as a map',
    whenGone: 503,
    ...needs('envoy'),
    start: (ports, owner) =>
      startEnvoy({ config: example('envoy/envoy-grpc.yaml').replace('encode_raw_headers: true', ''), ports, owner }),
  },
  {
    name: "a stand-in for Traefik (forwardAuth alone, on Node's HTTP parser)",
    whenGone: 500,
    skip: false,
    tellsCookiesAlone: true,
    patient: true,
    start: (ports, owner) => startTraefikStandIn(example('traefik/dynamic.yaml'), ports, owner),
  },
  {
    name: 'Traefik',
    whenGone: 500,
    ...needsTraefik,
    tellsCookiesAlone: true,
    patient: true,
    start: (ports, owner) =>
      startTraefik({
        config: example('traefik/traefik.yaml'),
        files: { 'dynamic.yaml': example('traefik/dynamic.yaml') },
        ports,
        owner,
      }),
  },
];
