import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEtcd } from './etcd.ts';
import { type KubeAnswer, type KubeAsking, kubeClient } from './kube-client.ts';
import type { Owner } from './last-resort.ts';
import type { Launch } from './process.ts';
import { locate } from './programs.ts';
import { type Server, startServer } from './server.ts';
import { createWorkdir } from './workdir.ts';

/** `admin` may do everything. `sallyport` is the service account of that name in the namespace `sallyport`. */
export type KubeUser = 'admin' | 'sallyport';

export type KubeApiserver = Readonly<{
  /** With TLS. */
  url: string;
  /** Path of the certificate that clients trust. */
  ca: string;
  tokens: Readonly<Record<KubeUser, string>>;
  /** Path of a kubeconfig. `server`: another address of it, such as a relay's. */
  kubeconfig(user: KubeUser, options?: Readonly<{ server?: string }>): string;
  /** One call, by the administrator unless somebody else is named. */
  ask(method: string, path: string, asking?: KubeAsking): Promise<KubeAnswer>;
  /**
   * Server-side apply of YAML text or of objects, in order, by the administrator, with `fieldValidation=Strict`. Custom
   * resources may follow their definitions. Rejects with everything that was refused. `isDryRun`: nothing is kept.
   */
  apply(manifests: string | readonly object[], options?: Readonly<{ isDryRun?: boolean }>): Promise<void>;
  /** Ends it like a crash: connections break off. */
  crash(): Promise<void>;
  /** Starts it again, at the same address and on the same data. */
  start(): Promise<void>;
  /** See `Etcd.compact`. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}>;

const tokens = { admin: 'admin-token', sallyport: 'sallyport-token' } as const satisfies Record<KubeUser, string>;

/** Kubernetes' format: token, name, uid, groups. */
const tokenFile = `${tokens.admin},admin,1,"system:masters"
${tokens.sallyport},system:serviceaccount:sallyport:sallyport,2,"system:serviceaccounts,system:serviceaccounts:sallyport"
`;

const writeOwnFiles = (directory: string): void => {
  if (existsSync(join(directory, 'tokens.csv'))) return;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(directory, 'service-accounts.pem'), privateKey.export({ type: 'sec1', format: 'pem' }));
  writeFileSync(join(directory, 'tokens.csv'), tokenFile);
};

const readyWhenAsked = (ca: string, url: string) => async () => {
  if (!existsSync(ca)) return false;
  const client = kubeClient({ url, ca: readFileSync(ca, 'utf8'), tokens });
  try {
    return (await client.ask('GET', '/readyz')).status === 200;
  } finally {
    await client.close();
  }
};

const launchOn =
  (etcd: string) =>
  (directory: string, port: number): Launch => {
    writeOwnFiles(directory);
    return {
      command: locate('kube-apiserver'),
      args: [
        ...[`--etcd-servers=${etcd}`, `--secure-port=${port}`, '--bind-address=127.0.0.1', '--cert-dir=certificates'],
        ...['--service-account-issuer=https://kubernetes.default.svc', '--token-auth-file=tokens.csv'],
        ...[
          '--service-account-signing-key-file=service-accounts.pem',
          '--service-account-key-file=service-accounts.pem',
        ],
        // Tokens of service accounts are mounted into pods by a controller that is not there.
        ...['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount', '--anonymous-auth=false'],
        ...['--service-cluster-ip-range=10.0.0.0/24', '--shutdown-delay-duration=0', '--profiling=false'],
      ],
      ready: readyWhenAsked(join(directory, 'certificates', 'apiserver.crt'), `https://127.0.0.1:${port}`),
      readyMs: 90_000, // with every processor taken by other tests
      stopSignal: 'SIGKILL', // nothing is kept
    };
  };

/**
 * A Kubernetes API server with RBAC and every usual admission, on an etcd of its own. Nothing else of a cluster is there: pods
 * stay Pending, quotas have no status and namespaces never finish going until the test does that itself.
 */
export async function startKubeApiserver({ owner }: Readonly<{ owner?: Owner }> = {}): Promise<KubeApiserver> {
  const workdir = createWorkdir('kube-apiserver');
  const etcd = await startEtcd();
  const begin = (port?: number) =>
    startServer(
      { directory: workdir.path, ...(port === undefined ? {} : { port }) },
      { name: 'kube-apiserver', scheme: 'https', launch: launchOn(etcd.url) },
    );
  let server: Server;
  try {
    server = await begin();
  } catch (error) {
    await etcd.stop();
    workdir.remove();
    throw error;
  }
  const { url, port } = server;
  const ca = join(workdir.path, 'certificates', 'apiserver.crt');
  const client = kubeClient({ url, ca: readFileSync(ca, 'utf8'), tokens });
  let written = 0;
  const stop = async () => {
    await client.close();
    await server.stop();
    await etcd.stop();
    workdir.remove();
  };
  owner?.after(stop);
  return {
    url,
    ca,
    tokens,
    kubeconfig: (user, { server: address = url } = {}) => {
      written += 1;
      const path = join(workdir.path, `${user}-${written}.kubeconfig`);
      writeFileSync(path, JSON.stringify(kubeconfigOf(user, address, ca)));
      return path;
    },
    ask: client.ask,
    apply: client.apply,
    crash: async () => {
      server.signal('SIGKILL');
      await server.exited();
    },
    start: async () => {
      server = await begin(port);
    },
    compact: etcd.compact,
    stop,
  };
}

/** JSON is YAML. Without TLS nothing is verified, and the client wants to hear that it is meant. */
const kubeconfigOf = (user: KubeUser, server: string, ca: string) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [
    {
      name: 'test',
      cluster: {
        server,
        ...(server.startsWith('https:') ? { 'certificate-authority': ca } : { 'insecure-skip-tls-verify': true }),
      },
    },
  ],
  users: [{ name: user, user: { token: tokens[user] } }],
  contexts: [{ name: 'test', context: { cluster: 'test', user } }],
  'current-context': 'test',
});
