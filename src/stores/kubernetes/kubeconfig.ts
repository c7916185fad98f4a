/**
 * As a kubeconfig says: tokens, certificates, programs that log in. The Kubernetes client reads it, and does no more than
 * that here (docs/decisions/0032-kubernetes-client.md). It is loaded when a kubeconfig is.
 */
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { at, listAt, textAt } from './json.ts';
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

const expected = 'expected a kubeconfig as `kubectl config view --minify --flatten` writes it';

/** What is wrong with it in its reader's words may be told with the lines around it, and so with a token. */
const wrong = (path: string, what: string, cause?: unknown): Error =>
  new Error(`pods.kubeconfig: ${path} ${what}; ${expected}`, { cause });

/** The client knows `tokenFile` by another name, and reads it once: service accounts' tokens last an hour. */
const tokenFileOf = (text: string, path: string, user: string | undefined): string | undefined => {
  const named = listAt(parse(text), 'users').find((one) => at(one, 'name') === user);
  const file = textAt(named, 'user', 'tokenFile');
  return file === undefined || textAt(named, 'user', 'token') !== undefined ? undefined : resolve(dirname(path), file);
};

type Read = Readonly<{ config: KubeConfig; tokenFile: string | undefined }>;

const read = async (path: string): Promise<Read> => {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw wrong(path, `cannot be read (${cause.code ?? cause.message})`, cause);
  });
  const client = await import('@kubernetes/client-node');
  const config = new client.KubeConfig();
  try {
    config.loadFromString(text);
    // Files that it names lie beside it.
    config.makePathsAbsolute(dirname(path));
    return { config, tokenFile: tokenFileOf(text, path, config.getCurrentUser()?.name) };
  } catch {
    throw wrong(path, 'is no kubeconfig');
  }
};

/** Throws where the file cannot be read or names no cluster, with what to do. */
export const kubeconfigLogin = async (path: string): Promise<Login> => {
  const { config, tokenFile } = await read(path);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw wrong(path, 'has no cluster for its current context');
  const { server, proxyUrl } = cluster;
  if (!URL.canParse(server)) throw wrong(path, `has a cluster whose server is no URL: ${JSON.stringify(server)}`);
  if (proxyUrl?.startsWith('socks')) {
    throw wrong(path, `has proxy-url ${proxyUrl}, of which only http:// and https:// are supported`);
  }
  return {
    server: new URL(server),
    ...(proxyUrl !== undefined && { proxy: proxyUrl }),
    credentials: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const token = tokenFile === undefined ? undefined : await readFile(tokenFile, 'utf8');
      const bearer = token !== undefined && { authorization: `Bearer ${token.trim()}` };
      return { headers: { ...headersOf(options), ...bearer }, tls: tlsOf(options) };
    },
  };
};
