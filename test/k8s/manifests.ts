/** The manifests as `kubectl apply -f` reads them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '..', '..', 'k8s');

export const controllers = ['nginx', 'traefik', 'istio', 'gateway-api'] as const;
export type Controller = (typeof controllers)[number];

/** Besides the folder of each controller: what is applied in its stead or in addition. */
export const folders = [
  ...controllers,
  'nginx/with-snippets',
  'nginx/with-client-certificates',
  'nginx/other-namespace',
  'traefik/plain-ingress',
  'traefik/older-group',
  'traefik/ingress-nginx-provider',
  'pods',
  'monitoring',
  'gateway-api/external-auth',
  'gateway-api/external-auth/http',
] as const;

/** What has no ingress controller in front: the way out, a sidecar, the keys' gateway, sandboxes. The last two are files of examples/. */
export const otherFolders = ['egress', 'egress/mesh', 'sidecar', 'api-keys', 'sandbox'] as const;

/** A route with TLS, in the place of 70-… of the folder around it, or after it. */
export const tlsFolders = ['nginx/with-tls', 'traefik/with-tls', 'istio/with-tls', 'gateway-api/with-tls'] as const;

/** Several replicas, in the place of the files 00 to 50 of a controller's folder. */
export const replicaFolders = ['replicas', 'replicas/with-pods', 'replicas/restore'] as const;

export const everyFolder = [...folders, ...tlsFolders, ...otherFolders, ...replicaFolders] as const;

type Metadata = Readonly<{
  name: string;
  namespace?: string;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
}>;

export type Resource = Readonly<{ apiVersion: string; kind: string; metadata: Metadata; [field: string]: unknown }>;

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** kubectl takes the files of a folder by name, and none of the folders in it. */
export const filesOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && entry.name.endsWith('.yaml'))
    .map(({ name }) => `${folder}/${name}`)
    .sort();

export const documentsOf = (path: string): Resource[] =>
  parseAllDocuments(textOf(path)).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS();
  });

export const resourcesOf = (folder: string): Resource[] => filesOf(folder).flatMap(documentsOf);

export const find = (resources: readonly Resource[], kind: string, name: string): Resource => {
  const found = resources.find((resource) => resource.kind === kind && resource.metadata.name === name);
  if (!found) throw new Error(`There is no ${kind} ${name}`);
  return found;
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** What is at a path such as `spec.template.spec`; undefined where there is nothing. Numbers lead into lists. */
export const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce((inner: unknown, key) => (isRecord(inner) ? inner[key] : undefined), value);

export const listAt = (value: unknown, path: string): unknown[] => {
  const found = at(value, path);
  if (found === undefined) return [];
  if (!Array.isArray(found)) throw new Error(`${path} is not a list`);
  return found;
};

export const textAt = (value: unknown, path: string): string => {
  const found = at(value, path);
  if (typeof found !== 'string') throw new Error(`${path} is not a text`);
  return found;
};

/** The configuration that an operator gets, as the service reads it. */
export const shippedConfiguration = (controller: Controller): string => {
  const { data } = find(resourcesOf(controller), 'ConfigMap', 'sallyport');
  if (!isRecord(data) || typeof data['sallyport.yaml'] !== 'string')
    throw new Error('The ConfigMap has no sallyport.yaml');
  return data['sallyport.yaml'];
};
