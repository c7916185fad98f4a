/**
 * What Traefik's Kubernetes provider makes of our Middlewares and IngressRoute, for its file provider: the fields have the
 * same names in both.
 */
import { stringify } from 'yaml';
import { applicationAt, sallyportAt } from './ingress-nginx.ts';
import { at, find, listAt, type Resource, textAt } from './manifests.ts';

export const traefikFiles = (resources: readonly Resource[]) => {
  const middlewares = resources
    .filter(({ kind }) => kind === 'Middleware')
    .map(({ metadata, spec }) => {
      const address = textAt(spec, 'forwardAuth.address').replace(
        'sallyport.sallyport.svc.cluster.local:8080',
        sallyportAt,
      );
      return [metadata.name, { forwardAuth: { ...(at(spec, 'forwardAuth') as object), address } }];
    });
  const routers = listAt(find(resources, 'IngressRoute', 'example-app'), 'spec.routes').map((route, index) => [
    `router-${index}`,
    {
      rule: textAt(route, 'match'),
      entryPoints: ['web'],
      middlewares: listAt(route, 'middlewares').map((middleware) => textAt(middleware, 'name')),
      service: textAt(route, 'services.0.name'),
    },
  ]);
  const serviceAt = (address: string) => ({ loadBalancer: { servers: [{ url: `http://${address}` }] } });
  return {
    'dynamic.yaml': stringify({
      http: {
        middlewares: Object.fromEntries(middlewares),
        routers: Object.fromEntries(routers),
        services: { 'example-app': serviceAt(applicationAt), sallyport: serviceAt(sallyportAt) },
      },
    }),
    'traefik.yaml': stringify({
      entryPoints: { web: { address: '127.0.0.1:8000' } },
      providers: { file: { filename: 'dynamic.yaml' } },
      global: { checkNewVersion: false, sendAnonymousUsage: false },
    }),
  };
};
