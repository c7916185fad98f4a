/**
 * As the service account of the pod that this runs in (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod).
 * Done here, for it is two files and a name, and reading them with the Kubernetes client costs 50 MB of memory.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Login } from './login.ts';

/** In the certificate of every API server, and known to the DNS of every cluster. */
const SERVER = 'https://kubernetes.default.svc';

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Throws where this is not a pod with a service account's token. */
export const serviceAccountLogin = (folder = FOLDER, server = SERVER): Login => {
  const [token, ca] = [join(folder, 'token'), join(folder, 'ca.crt')];
  for (const path of [token, ca]) {
    if (existsSync(path)) continue;
    throw new Error(
      `${path} is not there: this does not run in a pod with a service account's token. ` +
        'Outside of a cluster set pods.kubeconfig; inside, leave automountServiceAccountToken on for Sallyport itself.',
    );
  }
  return {
    server: new URL(server),
    // Read anew each time: tokens last an hour, and the kubelet replaces them.
    credentials: async () => ({
      headers: { authorization: `Bearer ${(await readFile(token, 'utf8')).trim()}` },
      // Said here, for an environment variable of Node's could turn it off.
      tls: { ca: await readFile(ca), rejectUnauthorized: true },
    }),
  };
};
