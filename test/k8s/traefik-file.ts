/**
 * What Traefik's Kubernetes providers make of our Middlewares, IngressRoutes and Ingresses, for its file provider: the fields
 * have the same names in both.
 */
import { stringify } from 'yaml';
import { applicationAt, sallyportAt } from './ingress-nginx.ts';
import { at, find, listAt, type Resource, textAt } from './manifests.ts';

type Middleware = Readonly<{ forwardAuth: object }>;
type Router = Readonly<{ rule: string; middlewares: readonly string[]; service: string }>;

const locally = (address: string): string => address.replace('sallyport.sallyport.svc.cluster.local:8080', sallyportAt);

const files = (middlewares: Readonly<Record<string, Middleware>>, routers: readonly Router[]) => {
  const serviceAt = (address: string) => ({ loadBalancer: { servers: [{ url: `http://${address}` }] } });
  return {
    'dynamic.yaml': stringify({
      http: {
        middlewares,
        routers: Object.fromEntries(
          routers.map((router, index) => [`router-${index}`, { ...router, entryPoints: ['web'] }]),
        ),
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

export const traefikFiles = (resources: readonly Resource[]) => {
  const middlewares = resources
    .filter(({ kind }) => kind === 'Middleware')
    .map(({ metadata, spec }): [string, Middleware] => {
      const address = locally(textAt(spec, 'forwardAuth.address'));
      return [metadata.name, { forwardAuth: { ...(at(spec, 'forwardAuth') as object), address } }];
    });
  const routes = listAt(find(resources, 'IngressRoute', 'example-app'), 'spec.routes');
  return files(
    Object.fromEntries(middlewares),
    routes.map((route) => ({
      rule: textAt(route, 'match'),
      middlewares: listAt(route, 'middlewares').map((middleware) => textAt(middleware, 'name')),
      service: textAt(route, 'services.0.name'),
    })),
  );
};

const prefix = 'nginx.ingress.kubernetes.io/';

/** The ingress-nginx provider of 3.6: `pkg/provider/kubernetes/ingress-nginx/kubernetes.go`. */
export const ingressNginxProviderFiles = (resources: readonly Resource[]) => {
  const ingresses = resources.filter(({ kind }) => kind === 'Ingress');
  const middlewares = ingresses.flatMap(({ metadata }): [string, Middleware][] => {
    const {
      [`${prefix}auth-url`]: url,
      [`${prefix}auth-response-headers`]: headers = '',
      ...rest
    } = metadata.annotations ?? {};
    if (Object.keys(rest).length > 0) throw new Error(`Not rebuilt: ${Object.keys(rest)}`);
    if (url === undefined) return [];
    return [[metadata.name, { forwardAuth: { address: locally(url), authResponseHeaders: headers.split(',') } }]];
  });
  const asked = Object.fromEntries(middlewares);
  return files(
    asked,
    ingresses.flatMap((ingress) =>
      listAt(ingress, 'spec.rules').flatMap((rule) =>
        listAt(rule, 'http.paths').map((path) => ({
          rule: `Host(\`${textAt(rule, 'host')}\`) && ${textAt(path, 'pathType') === 'Exact' ? 'Path' : 'PathPrefix'}(\`${textAt(path, 'path')}\`)`,
          middlewares: ingress.metadata.name in asked ? [ingress.metadata.name] : [],
          service: textAt(path, 'backend.service.name'),
        })),
      ),
    ),
  );
};
