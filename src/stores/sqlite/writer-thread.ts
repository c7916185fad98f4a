/**
 * The thread that writes. Operations that wait are run together and committed once, so that one fsync serves many. There is no
 * savepoint around each, for that would copy every page before it is changed; one that fails is rare, and takes no other
 * with it.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { giveWay } from '../sql/give-way.ts';
import { operations as storeOperations } from '../sql/operations.ts';
import type { ThreadMessage, ThreadReply, ThreadRequest } from '../sql/store-thread.ts';
import type { OperationShape } from '../sql/transaction.ts';
import { createTransaction, openDatabase } from './engine.ts';
import { openTurns } from './turns.ts';

const operations: Readonly<Record<string, OperationShape>> = storeOperations;
const MOST_IN_ONE_COMMIT = 256;

/** 16 MB. With SQLite's own 1,000, half of what is written would be pages on their way from the log to the file. */
const PAGES_BEFORE_CHECKPOINT = 4_000;

/** It waits in its own way. */
const database = openDatabase(workerData.path, 0);
database.exec(`PRAGMA wal_autocheckpoint = ${PAGES_BEFORE_CHECKPOINT}`);
const turns = openTurns(workerData.path);
const transaction = createTransaction(database);

let temporary: 'FILE' | 'MEMORY' = 'FILE';

/** What is asked again and again and sorts nothing. */
const sortsNothing: ReadonlySet<string> = new Set<keyof typeof storeOperations>([
  'addUsage',
  'preparePayment',
  'settlePayment',
  'presentClaims',
  'drawOnAccount',
  'acceptPayment',
  'findUncollected',
  'collectProofs',
]);

/**
 * Before a statement of many rows changes pages, SQLite copies them, into a file if not told otherwise: a sixth of what it takes to store
 * usage. In memory that is a few pages for each row of a batch at most. What a question sorts may be more than memory holds.
 */
const chooseTemporary = (batch: readonly ThreadRequest[]): void => {
  const fit = batch.every(({ operation }) => sortsNothing.has(operation)) ? 'MEMORY' : 'FILE';
  if (fit === temporary) return;
  database.exec(`PRAGMA temp_store = ${fit}`);
  temporary = fit;
};

const failure = ({ id }: ThreadRequest, error: unknown): ThreadReply => ({
  id,
  error: error instanceof Error ? error.message : String(error),
});

const commitTogether = async (batch: readonly ThreadRequest[]): Promise<ThreadReply[]> => {
  const replies: ThreadReply[] = [];
  for (const { id, operation, argument } of batch) {
    replies.push({ id, value: await operations[operation]?.(transaction, argument as never) });
  }
  database.exec('COMMIT');
  return replies;
};

/** Where one fails, or the disk takes no more, nothing of the batch is kept and each is tried alone. */
const run = async (batch: readonly ThreadRequest[]): Promise<ThreadReply[]> => {
  try {
    chooseTemporary(batch);
    turns.begin(database);
  } catch (error) {
    return batch.map((request) => failure(request, error));
  }
  try {
    return await commitTogether(batch);
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    if (batch.length === 1) return batch.map((request) => failure(request, error));
  }
  const replies: ThreadReply[] = [];
  for (const request of batch) replies.push(...(await run([request])));
  return replies;
};

type Waiting = { readonly requests: ThreadRequest[]; isClosing: boolean };

/** Node hands messages over one by one, each after the work of the one before: those that wait are fetched here. */
const fetchWaiting = (port: MessagePort, first: ThreadMessage): Waiting => {
  const waiting: Waiting = { requests: [], isClosing: false };
  for (let message: ThreadMessage | undefined = first; message; message = receiveMessageOnPort(port)?.message) {
    if (message === 'close') waiting.isClosing = true;
    else waiting.requests.push(...message);
    if (waiting.requests.length >= MOST_IN_ONE_COMMIT) break;
  }
  return waiting;
};

const listen = (port: MessagePort): void => {
  // Nothing in here waits for anything outside this thread: a handler is done before the next message is handed over.
  port.on('message', async (first: ThreadMessage) => {
    const { requests, isClosing } = fetchWaiting(port, first);
    while (requests.length > 0) port.postMessage(await run(requests.splice(0, MOST_IN_ONE_COMMIT)));
    if (!isClosing) return;
    database.close();
    turns.close();
    port.close();
  });
};

if (workerData.givesWay) giveWay();
if (parentPort) listen(parentPort);
