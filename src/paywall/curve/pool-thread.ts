import { parentPort, workerData } from 'node:worker_threads';
import { loadLibsecp256k1 } from './libsecp256k1.ts';
import type { PoolReply, PoolRequest } from './pool.ts';

/** cashu-ts takes long to import. */
const operations = (workerData.isFast && loadLibsecp256k1()) || (await import('./cashu-ts.ts')).cashuTsOperations;

const run = ({ id, operation, value }: PoolRequest): PoolReply => {
  try {
    // Both sides of the pool are typed by the operation's name.
    return { id, result: operations[operation](value as never) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
};

parentPort?.on('message', (request: PoolRequest) => parentPort?.postMessage(run(request)));
