/** The thread that sends usage to PostgreSQL. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { giveWay } from '../sql/give-way.ts';
import type { ThreadMessage, ThreadReply, ThreadRequest } from '../sql/store-thread.ts';
import type { Execute, OperationShape } from '../sql/transaction.ts';
import { createExecute } from './execute.ts';
import { createPool } from './pool.ts';
import { createReady } from './ready.ts';
import { receiveSettings } from './usage-settings.ts';

const pool = createPool(receiveSettings(workerData));
// By names that came from the typed side of the thread.
const execute = createExecute(pool, createReady(pool)) as Execute<Record<string, OperationShape>>;
const running = new Set<Promise<void>>();

const answer = async ({ id, operation, argument }: ThreadRequest, port: MessagePort): Promise<void> => {
  const reply = (answered: ThreadReply) => port.postMessage([answered]);
  try {
    reply({ id, value: await execute(operation, argument as never) });
  } catch (error) {
    reply({ id, error: error instanceof Error ? error.message : String(error) });
  }
};

const listen = (port: MessagePort): void => {
  port.on('message', async (message: ThreadMessage) => {
    if (message !== 'close') {
      for (const request of message) {
        const answering = answer(request, port).finally(() => running.delete(answering));
        running.add(answering);
      }
      return;
    }
    await Promise.all(running);
    await pool.close();
    port.close();
  });
};

giveWay();
if (parentPort) listen(parentPort);
