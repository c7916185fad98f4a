/**
 * As a kubeconfig says: tokens, certificates, programs that log in. The Kubernetes client reads it, and does no more than
 * that here (docs/decisions/0032-kubernetes-client.md). It is loaded when a kubeconfig is.
 */
import type { RequestOptions } from 'node:https';
import type { Login } from './login.ts';

const headersOf = ({ headers, auth }: RequestOptions): Readonly<Record<string, string>> => {
  const all = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  return { ...basic, ...Object.fromEntries(all) };
};

const tlsOf = ({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions) => ({
  ...(ca !== undefined && { ca }),
  ...(cert !== undefined && { cert }),
  ...(key !== undefined && { key }),
  ...(servername !== undefined && { servername }),
  // Said here, for an environment variable of Node's could turn it off.
  rejectUnauthorized: rejectUnauthorized !== false,
});

/** Throws where the file cannot be read or names no cluster. */
export const kubeconfigLogin = async (path: string): Promise<Login> => {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(path);
  const cluster = config.getCurrentCluster();
  if (!cluster)
    throw new Error(`${path} has no cluster for its current context: kubectl config use-context says which`);
  const { server, proxyUrl } = cluster;
  if (proxyUrl?.startsWith('socks')) {
    throw new Error(`${path}: proxy-url ${proxyUrl} is not supported, only http:// and https:// proxies are`);
  }
  return {
    server: new URL(server),
    ...(proxyUrl !== undefined && { proxy: proxyUrl }),
    credentials: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return { headers: headersOf(options), tls: tlsOf(options) };
    },
  };
};
