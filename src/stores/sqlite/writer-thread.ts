/**
 * The thread that writes. Operations that wait are run together and committed once, so that one fsync serves many. There is no
 * savepoint around each, for that would copy every page before it is changed; one that fails is rare, and takes no other
 * with it.
 */
import { setPriority } from 'node:os';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { operations as storeOperations } from '../sql/operations.ts';
import type { OperationShape } from '../sql/transaction.ts';
import { createTransaction, openDatabase } from './engine.ts';
import { openTurns } from './turns.ts';
import type { WriterMessage, WriterReply, WriterRequest } from './writer.ts';

const operations: Readonly<Record<string, OperationShape>> = storeOperations;
const MOST_IN_ONE_COMMIT = 256;

/** It waits in its own way. */
const database = openDatabase(workerData.path, 0);
const turns = openTurns(workerData.path);
const transaction = createTransaction(database);

const failure = ({ id }: WriterRequest, error: unknown): WriterReply => ({
  id,
  error: error instanceof Error ? error.message : String(error),
});

const commitTogether = async (batch: readonly WriterRequest[]): Promise<WriterReply[]> => {
  const replies: WriterReply[] = [];
  for (const { id, operation, argument } of batch) {
    replies.push({ id, value: await operations[operation]?.(transaction, argument as never) });
  }
  database.exec('COMMIT');
  return replies;
};

/** Where one fails, or the disk takes no more, nothing of the batch is kept and each is tried alone. */
const run = async (batch: readonly WriterRequest[]): Promise<WriterReply[]> => {
  try {
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
  const replies: WriterReply[] = [];
  for (const request of batch) replies.push(...(await run([request])));
  return replies;
};

type Waiting = { readonly requests: WriterRequest[]; isClosing: boolean };

/** Node hands messages over one by one, each after the work of the one before: those that wait are fetched here. */
const fetchWaiting = (port: MessagePort, first: WriterMessage): Waiting => {
  const waiting: Waiting = { requests: [], isClosing: false };
  for (let message: WriterMessage | undefined = first; message; message = receiveMessageOnPort(port)?.message) {
    if (message === 'close') waiting.isClosing = true;
    else waiting.requests.push(...message);
    if (waiting.requests.length >= MOST_IN_ONE_COMMIT) break;
  }
  return waiting;
};

const listen = (port: MessagePort): void => {
  // Nothing in here waits for anything outside this thread: a handler is done before the next message is handed over.
  port.on('message', async (first: WriterMessage) => {
    const { requests, isClosing } = fetchWaiting(port, first);
    while (requests.length > 0) port.postMessage(await run(requests.splice(0, MOST_IN_ONE_COMMIT)));
    if (!isClosing) return;
    database.close();
    turns.close();
    port.close();
  });
};

/** Under full load of a single processor, as much of it as the events of the rest need: none of them is dropped. */
const GIVING_WAY = 4;

// Linux alone has a priority for each thread.
if (workerData.givesWay && process.platform === 'linux') setPriority(GIVING_WAY);
if (parentPort) listen(parentPort);
