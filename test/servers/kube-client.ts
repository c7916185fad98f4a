import { Agent, request } from 'undici';
import { parseAllDocuments } from 'yaml';
import { until } from './until.ts';

export type KubeAsking = Readonly<{
  /** Sent as JSON. */
  body?: unknown;
  /** A patch says which kind it is. */
  contentType?: string;
  as?: 'admin' | 'sallyport';
}>;

export type KubeAnswer = Readonly<{
  status: number;
  /** JSON where it is an object. */
  body: Readonly<Record<string, unknown>>;
  text: string;
}>;

type Reach = Readonly<{ url: string; ca: string; tokens: Readonly<Record<'admin' | 'sallyport', string>> }>;

type Manifest = Readonly<{
  apiVersion: string;
  kind: string;
  metadata: Readonly<{ name: string; namespace?: string }>;
}>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isManifest = (value: unknown): value is Manifest =>
  isObject(value) &&
  typeof value['apiVersion'] === 'string' &&
  typeof value['kind'] === 'string' &&
  isObject(value['metadata']) &&
  typeof value['metadata']['name'] === 'string';

const objectOf = (text: string): Readonly<Record<string, unknown>> => {
  if (!text.startsWith('{')) return {};
  const parsed: unknown = JSON.parse(text);
  return isObject(parsed) ? parsed : {};
};

const manifestsOf = (given: string | readonly object[]): readonly Manifest[] => {
  const all: readonly unknown[] =
    typeof given === 'string'
      ? parseAllDocuments(given).flatMap((document) => {
          if (document.errors.length > 0) throw new Error(document.errors.join('\n'));
          const value: unknown = document.toJS();
          return value === null ? [] : [value];
        })
      : given;
  return all.map((one) => {
    if (!isManifest(one)) throw new Error(`Not an object of Kubernetes: ${JSON.stringify(one)}`);
    return one;
  });
};

const groupPath = (apiVersion: string) => (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`);

/** What `kubectl` is for a person: no retries, no caches. */
export const kubeClient = ({ url, ca, tokens }: Reach) => {
  const agent = new Agent({ connect: { ca } });

  const ask = async (method: string, path: string, asking: KubeAsking = {}): Promise<KubeAnswer> => {
    const { body, contentType = 'application/json', as = 'admin' } = asking;
    const response = await request(`${url}${path}`, {
      method,
      dispatcher: agent,
      headersTimeout: 15_000,
      headers: { authorization: `Bearer ${tokens[as]}`, 'content-type': contentType },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    return { status: response.statusCode, body: objectOf(text), text };
  };

  /** The collection of this kind, once the API server knows it: a custom resource takes a moment after its definition. */
  const pathOf = async ({ apiVersion, kind, metadata: { name, namespace } }: Manifest): Promise<string> => {
    let plural = '';
    let isNamespaced = false;
    await until(`${apiVersion} ${kind} is served`, async () => {
      const { body } = await ask('GET', groupPath(apiVersion));
      const resources = Array.isArray(body['resources']) ? body['resources'] : [];
      const found: unknown = resources.find(
        (one) => isObject(one) && one['kind'] === kind && !`${one['name']}`.includes('/'),
      );
      if (!isObject(found)) return false;
      plural = String(found['name']);
      isNamespaced = found['namespaced'] === true;
      return true;
    });
    return `${groupPath(apiVersion)}${isNamespaced ? `/namespaces/${namespace ?? 'default'}` : ''}/${plural}/${name}`;
  };

  const apply = async (given: string | readonly object[], { isDryRun = false } = {}): Promise<void> => {
    const refused: string[] = [];
    for (const manifest of manifestsOf(given)) {
      const query = `fieldManager=test&force=true&fieldValidation=Strict${isDryRun ? '&dryRun=All' : ''}`;
      const { status, body, text } = await ask('PATCH', `${await pathOf(manifest)}?${query}`, {
        body: manifest,
        contentType: 'application/apply-patch+yaml',
      });
      const { kind, metadata } = manifest;
      if (status >= 300) refused.push(`${kind} ${metadata.name}: ${status} ${String(body['message'] ?? text)}`);
    }
    if (refused.length > 0) throw new Error(refused.join('\n'));
  };

  return { ask, apply, close: () => agent.close() };
};
