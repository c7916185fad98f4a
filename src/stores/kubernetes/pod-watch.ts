/**
 * All pods of ours, from now on: a list, and what changes from its version on. An interruption goes on from the last version
 * that was heard of (bookmarks move it on where nothing happens); a list is asked for again only where changes were lost.
 */
import { setTimeout as pauseFor } from 'node:timers/promises';
import { ClusterFault } from '../../core/cluster-fault.ts';
import type { Watcher } from '../../pods/cluster.ts';
import type { Connection } from './connection.ts';
import { listPods } from './pod-list.ts';
import { followPods } from './pod-stream.ts';

export type PodWatchOptions = Readonly<{
  connection: Connection;
  /** The path of the namespace's pods. */
  collection: string;
  requestTimeoutMs: number;
  /**
   * Longer silence may be a connection that hangs. Bookmarks come every minute where any pod of the cluster changes; where none
   * does, the watch is begun again from where it was, and nothing is listed.
   */
  silenceMs?: number;
  pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  monotonicNow: () => number;
}>;

const SILENCE_MS = 150_000;
/** What lasted so long was no failure, however it ended. */
const GOOD_MS = 1_000;
const MOST_RESUMES = 3;
const SHORTEST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

const pauseAfter = (failures: number): number =>
  Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2);

const reasonOf = (error: unknown): string =>
  error instanceof ClusterFault
    ? error.message
    : `the watch broke off: ${error instanceof Error ? error.message : error}`;

/**
 * Whether only a list helps: an answer that refuses may be about the version, and after a restored backup there are only
 * older ones, which the API server waits for in vain.
 */
const isAboutVersion = (error: unknown, failures: number): boolean =>
  error instanceof ClusterFault && (error.kind !== 'unreachable' || failures > MOST_RESUMES);

export const watchPods = (watcher: Watcher, options: PodWatchOptions): Readonly<{ close(): Promise<void> }> => {
  const { connection, collection, requestTimeoutMs, silenceMs = SILENCE_MS, monotonicNow } = options;
  const { pause = (ms: number, signal: AbortSignal) => pauseFor(ms, undefined, { signal }) } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const within = () => AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]);
  let version: string | undefined;
  let isHeard = false;
  let failures = 0;

  const list = async () => {
    const found = await listPods(connection, collection, within);
    if (signal.aborted) return;
    version = found.version;
    isHeard = true;
    watcher.onListed(found.pods);
  };

  const follow = async (from: string) => {
    const end = await followPods(from, {
      connection,
      collection,
      watcher,
      connectMs: requestTimeoutMs,
      silenceMs,
      signal,
      onVersion: (heard) => {
        version = heard;
      },
      onHeard: () => {
        if (!isHeard) watcher.onResumed();
        isHeard = true;
      },
    });
    if (end === 'gone') version = undefined;
  };

  const lose = async (error: unknown) => {
    failures += 1;
    if (isAboutVersion(error, failures)) version = undefined;
    // One interruption is no loss: whoever is back at once has missed nothing.
    if (failures === 1 && isHeard) return;
    if (isHeard || failures === 1) watcher.onLost(reasonOf(error));
    isHeard = false;
    const asked = error instanceof ClusterFault ? (error.retryAfterMs ?? 0) : 0;
    await pause(Math.max(asked, pauseAfter(failures)), signal);
  };

  /** Undefined where it went as it should. */
  const interruption = async (): Promise<unknown> => {
    const startedMs = monotonicNow();
    let error: unknown;
    try {
      if (version === undefined) await list();
      if (version !== undefined) await follow(version);
    } catch (thrown) {
      error = thrown;
    }
    const isGood = isHeard && monotonicNow() - startedMs >= GOOD_MS;
    if (isGood) failures = 0;
    return error ?? (isGood ? undefined : new Error('it ended as soon as it had begun'));
  };

  const run = async () => {
    while (!signal.aborted) {
      const error = await interruption();
      if (error !== undefined && !signal.aborted) await lose(error);
    }
  };

  // A pause that is cut short by closing rejects.
  const running = run().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });

  return {
    async close() {
      closing.abort();
      await running;
    },
  };
};
