/**
 * Events of usage on their way to the store, in files that append: `OWNER-NUMBER.events`. What one turn of the event loop has
 * brought is one write, without fsync: a process that is killed loses nothing of it, a machine that loses its power may.
 *
 * Each process has a name of its own and holds the lock `OWNER.lock` while it lives: who gets the lock of another may take
 * over what it left.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Segment, UsageSpool } from '../../usage/spool.ts';
import { type FileLock, lockFile } from '../sqlite/file-lock.ts';
import { addLines, type Cuts, createCuts, createSegment, removeIfThere } from './usage-segment.ts';

/** A segment is removed at once. */
const MOST_BYTES = 4 * 2 ** 20;

type Active = {
  readonly path: string;
  readonly fd: number;
  readonly sinceMs: number;
  readonly cuts: Cuts;
  bytes: number;
  events: number;
};

export type UsageSpoolOptions = Readonly<{
  now(): number;
  /** Most events of a batch. */
  batchSize: number;
}>;

/** To make a new buffer for each turn costs as much as to fill it. */
const turn = Buffer.alloc(128 * 1_024);
const MOST_BYTES_OF_CHARACTER = 3;

const bytesOf = (lines: string): Buffer =>
  lines.length * MOST_BYTES_OF_CHARACTER <= turn.length ? turn.subarray(0, turn.write(lines)) : Buffer.from(lines);

/** Throws where not all of it was written, and leaves nothing of it. */
const append = (active: Active, bytes: Buffer): void => {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(active.fd, bytes, at, bytes.length - at);
  } catch (error) {
    ftruncateSync(active.fd, active.bytes);
    throw error;
  }
  active.bytes += bytes.length;
};

export const createUsageSpool = (folder: string, { now, batchSize }: UsageSpoolOptions): UsageSpool => {
  const owner = randomBytes(8).toString('hex');
  const lockPath = (name: string): string => join(folder, `${name}.lock`);
  let lock: FileLock | undefined;
  let active: Active | undefined;
  let sealed: Segment[] = [];
  let lastNumber = 0;
  let removed = 0;

  const openActive = (): Active => {
    lastNumber += 1;
    const path = join(folder, `${owner}-${String(lastNumber).padStart(10, '0')}.events`);
    const fd = openSync(path, 'ax', 0o600);
    return { path, fd, sinceMs: now(), cuts: createCuts(batchSize), bytes: 0, events: 0 };
  };

  const seal = (): void => {
    if (!active) return;
    closeSync(active.fd);
    const { path, cuts, events, sinceMs } = active;
    active = undefined;
    sealed.push(
      createSegment(path, cuts, { events, sinceMs }, async () => {
        removed += 1;
      }),
    );
  };

  const adoptSegment = async (file: string, onRemoved: () => Promise<void>): Promise<Segment> => {
    const path = join(folder, file);
    const [bytes, { mtimeMs }] = await Promise.all([readFile(path), stat(path)]);
    const cuts = createCuts(batchSize);
    const events = addLines(cuts, bytes, 0);
    return createSegment(path, cuts, { events, sinceMs: mtimeMs }, onRemoved);
  };

  /** The lock is held until the last segment is removed. */
  const adoptFrom = async (other: string): Promise<Segment[]> => {
    const held = lockFile(lockPath(other));
    if (!held) return [];
    const end = async (): Promise<void> => {
      await removeIfThere(lockPath(other));
      held.release();
    };
    try {
      // Listed when the lock is held: nobody adds to them or takes them away any more.
      const files = (await readdir(folder)).filter((file) => file.startsWith(`${other}-`)).sort();
      let left = files.length;
      if (left === 0) await end();
      const onRemoved = async (): Promise<void> => {
        left -= 1;
        if (left === 0) await end();
      };
      return await Promise.all(files.map((file) => adoptSegment(file, onRemoved)));
    } catch (error) {
      held.release();
      throw error;
    }
  };

  return {
    open() {
      lock = lockFile(lockPath(owner));
      if (!lock) throw new Error(`another process has the lock ${lockPath(owner)}`);
    },

    write(lines, count) {
      active ??= openActive();
      const bytes = bytesOf(lines);
      const from = active.bytes;
      append(active, bytes);
      active.events += count;
      if (count <= batchSize) active.cuts.add(count, active.bytes);
      else addLines(active.cuts, bytes, from);
      if (active.bytes >= MOST_BYTES) seal();
    },

    take() {
      seal();
      const taken = sealed;
      sealed = [];
      return taken;
    },

    async adopt() {
      const locks = (await readdir(folder)).filter((file) => file.endsWith('.lock')).map((file) => file.slice(0, -5));
      const adopted: Segment[] = [];
      for (const other of locks) if (other !== owner) adopted.push(...(await adoptFrom(other)));
      return adopted;
    },

    close() {
      seal();
      if (removed === lastNumber) rmSync(lockPath(owner), { force: true });
      lock?.release();
      lock = undefined;
    },
  };
};
