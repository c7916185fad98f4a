import { parentPort } from 'node:worker_threads';
import { cashuTsOperations } from './cashu-ts.ts';
import type { PoolReply, PoolRequest } from './pool.ts';

const run = ({ id, operation, value }: PoolRequest): PoolReply => {
  try {
    // Both sides of the pool are typed by the operation's name.
    return { id, result: cashuTsOperations[operation](value as never) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
};

parentPort?.on('message', (request: PoolRequest) => parentPort?.postMessage(run(request)));
