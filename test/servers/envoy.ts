import { isMainThread } from 'node:worker_threads';
import { locate } from './programs.ts';
import { type ProxyOptions, startProxy } from './proxy.ts';
import type { Server } from './server.ts';

/** Envoy with the given bootstrap (YAML). Without hot restart it leaves nothing in /dev/shm, and many may run at once. */
export async function startEnvoy(options: ProxyOptions): Promise<Server> {
  // Envoy asks the kernel to be killed with the thread that started it.
  if (!isMainThread) throw new Error('Start Envoy from the main thread: it dies with the thread that started it');
  return startProxy(options, {
    name: 'envoy',
    files: { 'envoy.yaml': options.config },
    command: locate('envoy'),
    args: ['-c', 'envoy.yaml', '--disable-hot-restart', '--concurrency', '1', '--log-level', 'info'],
  });
}
