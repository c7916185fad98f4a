import { freePort } from './free-port.ts';
import { locate } from './programs.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

export type Etcd = Server &
  Readonly<{
    /** Forgets every revision before the present one, as a cluster does every five minutes: who lags behind gets 410. */
    compact(): Promise<void>;
  }>;

const ask = async (url: string, path: string, body: Readonly<Record<string, unknown>>): Promise<unknown> => {
  const response = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`etcd answered ${response.status} to ${path}: ${await response.text()}`);
  return response.json();
};

const revisionOf = (answer: unknown): string => {
  const header = typeof answer === 'object' && answer !== null && 'header' in answer ? answer.header : undefined;
  const revision = typeof header === 'object' && header !== null && 'revision' in header ? header.revision : undefined;
  if (typeof revision !== 'string') throw new Error(`etcd told no revision: ${JSON.stringify(answer)}`);
  return revision;
};

/** The store of a Kubernetes API server. */
export async function startEtcd(options: ServerOptions = {}): Promise<Etcd> {
  const peers = `http://127.0.0.1:${await freePort()}`;
  const server = await startServer(options, {
    name: 'etcd',
    launch: (directory, port) => {
      const clients = `http://127.0.0.1:${port}`;
      return {
        command: locate('etcd'),
        args: [
          ...['--name=test', `--data-dir=${directory}/etcd`, '--log-level=warn', '--logger=zap'],
          ...[`--listen-client-urls=${clients}`, `--advertise-client-urls=${clients}`],
          ...[
            `--listen-peer-urls=${peers}`,
            `--initial-advertise-peer-urls=${peers}`,
            `--initial-cluster=test=${peers}`,
          ],
        ],
        ready: () =>
          fetch(`${clients}/health`).then(
            ({ ok }) => ok,
            () => false,
          ),
        stopSignal: 'SIGKILL', // nothing is kept
      };
    },
  });
  const compact = async () => {
    const revision = revisionOf(await ask(server.url, '/v3/kv/range', { key: Buffer.from('/').toString('base64') }));
    await ask(server.url, '/v3/kv/compaction', { revision, physical: true });
  };
  return { ...server, compact };
}
