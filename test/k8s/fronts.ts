/** Every way in that the manifests deliver, as a real proxy in front of a real gate and an application. */
import { parse, stringify } from 'yaml';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { startEchoApp } from '../peers/echo-app.ts';
import { startMint } from '../peers/mint.ts';
import { launchTraefik, needsTraefik } from '../proxies/traefik.ts';
import { startSallyport } from '../sallyport.ts';
import { startEnvoy } from '../servers/envoy.ts';
import type { Owner } from '../servers/last-resort.ts';
import { startNginx } from '../servers/nginx.ts';
import { needs } from '../servers/programs.ts';
import { startRelay } from './carried-scripts.ts';
import { gatewayEnvoy } from './gateway-envoy.ts';
import { ingressNginx } from './ingress-nginx.ts';
import { istioGateway } from './istio-envoy.ts';
import { type Controller, resourcesOf, shippedConfiguration } from './manifests.ts';
import { ingressNginxProviderFiles, traefikFiles } from './traefik-file.ts';

/** The configuration of the ConfigMap, with what only a cluster has replaced: listeners, store, mint, and who is trusted. */
export const onLoopback = (controller: Controller, mintUrl: string): string => {
  const { http: _, store: __, ...rest } = parse(shippedConfiguration(controller));
  const grpc = rest.grpc && { ...rest.grpc, addr: '127.0.0.1:0' };
  const mints = [{ ...rest.cashu.mints[0], url: mintUrl }];
  const trusted = [...rest.trusted_proxies, '127.0.0.0/8'];
  return stringify({ ...rest, ...(grpc && { grpc }), trusted_proxies: trusted, cashu: { ...rest.cashu, mints } });
};

export const startWorld = async (owner: Owner) => {
  const mint = await startMint({ owner });
  const app = await startEchoApp({ owner });
  const gate = await startSallyport({ owner, config: onLoopback('gateway-api', mint.url) });
  return { app, gate, payer: createPayer(mint.url) };
};

export type World = Awaited<ReturnType<typeof startWorld>>;

export type Front = Readonly<{
  name: string;
  options: { skip: string | false };
  /** What becomes of a refusal on a route whose rule is named: `whole` keeps status and body. */
  named: Readonly<{ rule: 'api' | 'premium'; whole: boolean }> | undefined;
  /** A part of what `premium` sells for which the way in asks more. */
  dearer?: Readonly<{ path: string; amount: number }>;
  start(world: World, owner: Owner): Promise<Readonly<{ url: string }>>;
}>;

const portsOf = ({ gate, app }: World) => ({
  '127.0.0.1:8080': gate.port,
  '127.0.0.1:9001': gate.grpcPort,
  '127.0.0.1:3000': app.port,
});
const ingressesOf = (folder: string) => resourcesOf(folder).filter(({ kind }) => kind === 'Ingress');

/** Before `external-auth/`, and after what it says to delete. */
const withoutPolicies = resourcesOf('gateway-api').filter(
  ({ kind, metadata }) => kind !== 'SecurityPolicy' && metadata.name !== 'example-app-reports',
);

export const fronts: readonly Front[] = [
  {
    name: 'ingress-nginx without snippets',
    options: needs('nginx'),
    named: { rule: 'api', whole: false },
    start: (world, owner) =>
      startNginx({ config: ingressNginx(ingressesOf('nginx'), resourcesOf('nginx')), ports: portsOf(world), owner }),
  },
  {
    name: 'ingress-nginx with snippets',
    options: needs('nginx'),
    named: { rule: 'premium', whole: true },
    dearer: { path: '/premium/plus/film', amount: 5000 },
    start: (world, owner) =>
      startNginx({ config: ingressNginx(ingressesOf('nginx/with-snippets'), []), ports: portsOf(world), owner }),
  },
  {
    name: 'ingress-nginx, for an application in another namespace',
    options: needs('nginx'),
    named: { rule: 'api', whole: false },
    async start(world, owner) {
      const elsewhere = ingressesOf('nginx').map((ingress) => ({
        ...ingress,
        metadata: { ...ingress.metadata, namespace: 'shop' },
      }));
      const there = resourcesOf('nginx/other-namespace').map((resource) => ({
        ...resource,
        metadata: { ...resource.metadata, namespace: 'shop' },
      }));
      const relay = await startRelay(world.gate.port, owner);
      const config = ingressNginx(elsewhere, there, '127.0.0.1:8081');
      return startNginx({ config, ports: { ...portsOf(world), '127.0.0.1:8081': relay.port }, owner });
    },
  },
  {
    name: "Istio's gateway",
    options: needs('envoy'),
    named: undefined,
    start: (world, owner) => startEnvoy({ config: istioGateway(), ports: portsOf(world), owner }),
  },
  {
    name: 'Envoy Gateway',
    options: needs('envoy'),
    named: { rule: 'premium', whole: true },
    start: (world, owner) =>
      startEnvoy({ config: gatewayEnvoy(resourcesOf('gateway-api')), ports: portsOf(world), owner }),
  },
  ...['external-auth', 'external-auth/http'].map((folder) => ({
    name: `the Gateway API's filter, ${folder}`,
    options: needs('envoy'),
    named: undefined,
    start: (world: World, owner: Owner) => {
      const config = gatewayEnvoy(withoutPolicies, resourcesOf(`gateway-api/${folder}`));
      return startEnvoy({ config, ports: portsOf(world), owner });
    },
  })),
  {
    name: 'Traefik',
    options: needsTraefik,
    named: { rule: 'premium', whole: true },
    start: (world, owner) =>
      launchTraefik({ config: '', ports: portsOf(world), owner }, traefikFiles(resourcesOf('traefik'))),
  },
  {
    name: "Traefik's ingress-nginx provider",
    options: needsTraefik,
    named: { rule: 'premium', whole: true },
    start(world, owner) {
      const files = ingressNginxProviderFiles(resourcesOf('traefik/ingress-nginx-provider'));
      return launchTraefik({ config: '', ports: portsOf(world), owner }, files);
    },
  },
];
