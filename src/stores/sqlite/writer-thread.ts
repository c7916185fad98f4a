/**
 * The thread that writes. Transactions that wait are run together and committed once, each behind its own savepoint, so
 * that one fsync serves many and one that fails takes no other with it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { keyOperations } from '../sql/key-operations.ts';
import { ledgerOperations } from '../sql/ledger-operations.ts';
import type { OperationShape } from '../sql/transaction.ts';
import { createTransaction, openDatabase } from './engine.ts';
import type { WriterReply, WriterRequest } from './writer.ts';

const operations: Readonly<Record<string, OperationShape>> = { ...keyOperations, ...ledgerOperations };
const MOST_IN_ONE_COMMIT = 256;

const database = openDatabase(workerData.path);
const transaction = createTransaction(database);
const waiting: WriterRequest[] = [];
let running = false;

const failure = (id: number, error: unknown): WriterReply => ({
  id,
  error: error instanceof Error ? error.message : String(error),
});

const runOne = async ({ id, operation, argument }: WriterRequest): Promise<WriterReply> => {
  database.exec('SAVEPOINT one');
  try {
    const value = await operations[operation]?.(transaction, argument as never);
    database.exec('RELEASE one');
    return { id, value };
  } catch (error) {
    database.exec('ROLLBACK TO one; RELEASE one');
    return failure(id, error);
  }
};

const commitTogether = async (batch: readonly WriterRequest[]): Promise<WriterReply[]> => {
  try {
    database.exec('BEGIN IMMEDIATE');
    const replies: WriterReply[] = [];
    for (const request of batch) replies.push(await runOne(request));
    database.exec('COMMIT');
    return replies;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    return batch.map(({ id }) => failure(id, error));
  }
};

const drain = async (): Promise<void> => {
  if (running) return;
  running = true;
  while (waiting.length > 0) {
    const replies = await commitTogether(waiting.splice(0, MOST_IN_ONE_COMMIT));
    for (const reply of replies) parentPort?.postMessage(reply);
  }
  running = false;
};

parentPort?.on('message', async (request: WriterRequest | 'close') => {
  if (request !== 'close') {
    waiting.push(request);
    await drain();
    return;
  }
  await drain();
  database.close();
  parentPort?.close();
});
