/** A lock that ends with its process, however that ends. Node has none; SQLite's is as good. */
import { DatabaseSync } from 'node:sqlite';
import { createForOwner, isBusy } from './engine.ts';

export type FileLock = Readonly<{ release(): void }>;

/** Gives nothing where another has it, in this process or any other of this machine. Makes the file if it is missing. */
export const lockFile = (path: string): FileLock | undefined => {
  createForOwner(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // The journal would be a file of its own.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return { release: () => database.close() };
};
