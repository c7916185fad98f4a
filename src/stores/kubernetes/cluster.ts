/** One namespace of a Kubernetes API server. */
import { ClusterFault } from '../../core/cluster-fault.ts';
import type { Cluster } from '../../pods/cluster.ts';
import { type Connection, createConnection } from './connection.ts';
import { createObject, tryObject } from './creation.ts';
import { deleteObject } from './deletion.ts';
import { kubeconfigLogin } from './kubeconfig.ts';
import { createLeases } from './leases.ts';
import type { Login } from './login.ts';
import { watchPods } from './pod-watch.ts';
import { serviceAccountLogin } from './service-account.ts';

export type ClusterOptions = Readonly<{
  /** Path. Left out: as the service account of the pod that this runs in. */
  kubeconfig?: string;
  namespace: string;
  /** Of each operation: also where it takes more than one call. */
  requestTimeoutMs: number;
  /** A watch that says nothing for longer is begun again. */
  watchSilenceMs?: number;
  now?: () => number;
  monotonicNow?: () => number;
}>;

const loginOf = async (kubeconfig: string | undefined): Promise<Login> =>
  kubeconfig === undefined ? serviceAccountLogin() : kubeconfigLogin(kubeconfig);

/** A role without Services belongs to pods without Services. */
const unlessForbidden = (error: unknown): void => {
  if (!(error instanceof ClusterFault && error.kind === 'forbidden')) throw error;
};

/** Asks nobody yet. Throws where it cannot be known how to reach the API server, with what to do. */
export const openCluster = async (options: ClusterOptions): Promise<Cluster> => {
  const { kubeconfig, namespace, requestTimeoutMs, watchSilenceMs } = options;
  const { now = Date.now, monotonicNow = () => performance.now() } = options;
  const connection: Connection = createConnection(await loginOf(kubeconfig), requestTimeoutMs);
  const within = () => AbortSignal.timeout(requestTimeoutMs);
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const services = `/api/v1/namespaces/${namespace}/services`;
  const leases = createLeases({ connection, namespace, now, monotonicNow });
  const watches = new Set<Readonly<{ close(): Promise<void> }>>();

  return {
    createPod: (manifest) => createObject(connection, pods, manifest, within()),
    createService: (manifest) => createObject(connection, services, manifest, within()),
    tryPod: (manifest) => tryObject(connection, pods, manifest, within()),

    async deletePod(name) {
      const signal = within();
      const path = encodeURIComponent(name);
      // First: with the pod gone, nobody would come back for it.
      await deleteObject(connection, `${services}/${path}`, signal).catch(unlessForbidden);
      return deleteObject(connection, `${pods}/${path}`, signal);
    },

    watch(watcher) {
      const watching = watchPods(watcher, {
        connection,
        collection: pods,
        requestTimeoutMs,
        monotonicNow,
        ...(watchSilenceMs !== undefined && { silenceMs: watchSilenceMs }),
      });
      watches.add(watching);
      return {
        async close() {
          watches.delete(watching);
          await watching.close();
        },
      };
    },

    holdLease: (name, holder, durationMs) => leases.hold(name, holder, durationMs, within()),
    releaseLease: (name, holder) => leases.release(name, holder, within()),

    async close() {
      await Promise.all([...watches].map((watching) => watching.close()));
      await connection.close();
    },
  };
};
